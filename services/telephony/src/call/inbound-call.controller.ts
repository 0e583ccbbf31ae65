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

  /** Whatever a number's row says, nobody who has left gets a call; nor does anybody leave while it is put through. */
  private async destinationOf(number: PhoneNumberRow): Promise<{ outcome: CallOutcome; userId: string | null }> {
    const { accountId, state, destinationUserId } = number;
    if (state === 'released') return { outcome: 'no-longer-in-service', userId: null };
    if (!destinationUserId) return { outcome: 'unassigned', userId: null };
    if (await this.directory.lockAndCheckLeft(accountId, destinationUserId))
      return { outcome: 'voicemail', userId: null };
    return { outcome: 'routed', userId: destinationUserId };
  }

  /** The number in use; if there is none, the one that was released last. */
  private async dialled(accountId: string, e164: string): Promise<PhoneNumberRow> {
    const known = await this.em.find(PhoneNumber, { accountId, e164 }, { orderBy: { releaseAt: 'desc', id: 'desc' } });
    const number = known.find(({ state }) => state !== 'released') ?? known[0];
    if (!number) throw new Problem('not-found', { detail: 'This number is none of the account’s.' });
    return number;
  }

  private async movedTo({ accountId, movedToId }: PhoneNumberRow): Promise<RoutedCall['movedTo']> {
    const heir = movedToId && (await this.em.findOne(PhoneNumber, { id: movedToId, accountId, state: 'assigned' }));
    return heir ? { id: heir.id, e164: heir.e164 } : null;
  }
}
