import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { callInbound, Problem, type Call, type CallOutcome, type InboundCall, type RoutedCall } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { addContacts } from '../number-contact/number-contacts.js';
import { PhoneCall } from './phone-call.entity.js';

@Controller()
export class InboundCallController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  @Handles(callInbound)
  async route({ principal: { accountId }, body }: Call<InboundCall>): Promise<RoutedCall> {
    const number = await this.dialled(accountId, body.to);
    const { outcome, userId } = await this.destinationOf(number);
    const { id: callId } = this.em.create(PhoneCall, {
      id: this.ids.next(),
      accountId,
      direction: 'inbound',
      numberId: number.id,
      from: body.from ?? null,
      to: body.to,
      outcome,
      userId,
      createdAt: this.clock.now(),
    });
    await this.em.flush();
    if (body.contactId && outcome !== 'no-longer-in-service') {
      await addContacts(this.em.getKysely(), number, [body.contactId], this.clock.now());
    }
    const user = await this.directory.view(userId);
    const movedTo = outcome === 'no-longer-in-service' ? await this.movedTo(number) : null;
    return { callId, outcome, numberId: number.id, user, inboxId: number.inboxId ?? null, movedTo };
  }

  /**
   * Never routes a call to a user who has left, whatever the number's row says. The lock on the directory row keeps the
   * user from leaving while the call is routed.
   */
  private async destinationOf(number: PhoneNumberRow): Promise<{ outcome: CallOutcome; userId: string | null }> {
    const { accountId, state, destinationUserId } = number;
    if (state === 'released') return { outcome: 'no-longer-in-service', userId: null };
    if (!destinationUserId) return { outcome: 'unassigned', userId: null };
    if (await this.directory.lockAndCheckLeft(accountId, destinationUserId))
      return { outcome: 'voicemail', userId: null };
    return { outcome: 'routed', userId: destinationUserId };
  }

  /** Returns the number in use, or else the one released last. */
  private async dialled(accountId: string, e164: string): Promise<PhoneNumberRow> {
    const known = await this.em.find(PhoneNumber, { accountId, e164 }, { orderBy: { releaseAt: 'desc', id: 'desc' } });
    const number = known.find(({ state }) => state !== 'released') ?? known[0];
    if (!number) throw new Problem('not-found', { detail: 'This number does not belong to this account.' });
    return number;
  }

  private async movedTo({ accountId, movedToId }: PhoneNumberRow): Promise<RoutedCall['movedTo']> {
    const successor =
      movedToId && (await this.em.findOne(PhoneNumber, { id: movedToId, accountId, state: 'assigned' }));
    return successor ? { id: successor.id, e164: successor.e164 } : null;
  }
}
