import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { callInbound, Problem, type Call, type CallOutcome, type InboundCall, type RoutedCall } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { addContacts } from '../number-contact/number-contacts.js';
import { TelephonyConfig } from '../telephony.config.js';
import { PhoneCall } from './phone-call.entity.js';

interface Destination {
  outcome: CallOutcome;
  /** The user who gets the call. */
  userId: string | null;
  /** The user whose inbox gets a text. */
  inboxOwnerId: string | null;
  /** The user who has left and would have got it. */
  leaverId: string | null;
}

@Controller()
export class InboundCallController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly ids: Ids,
    private readonly clock: Clock,
    private readonly config: TelephonyConfig,
  ) {}

  @Handles(callInbound)
  async route({ principal: { accountId }, body }: Call<InboundCall>): Promise<RoutedCall> {
    const number = await this.dialled(accountId, body.to);
    const { outcome, userId, inboxOwnerId, leaverId } = await this.destinationOf(number);
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
    const [user, inboxOwner] = [await this.directory.view(userId), await this.directory.view(inboxOwnerId)];
    const movedTo = outcome === 'no-longer-in-service' ? await this.movedTo(number) : null;
    return {
      callId,
      outcome,
      numberId: number.id,
      user,
      inboxOwner,
      leaverId,
      inboxId: number.inboxId ?? null,
      movedTo,
    };
  }

  /**
   * Never routes a call to a user who has left, whatever the number's row says: the user's caretaker gets it instead. The
   * locks on the directory rows keep both from leaving while the call is routed.
   */
  private async destinationOf(number: PhoneNumberRow): Promise<Destination> {
    const { accountId, state, destinationUserId: userId, quarantinedFromId = null } = number;
    const nobody = { userId: null, inboxOwnerId: null, leaverId: null };
    if (state === 'released') return { outcome: 'no-longer-in-service', ...nobody };
    if (!userId) return { outcome: 'unassigned', ...nobody, leaverId: quarantinedFromId };
    const foreseen = await this.directory.caretakerOf(userId, this.clock.now());
    const left = await this.directory.lockAndFindLeft(accountId, [userId, foreseen]);
    if (!left.has(userId)) return { ...nobody, outcome: 'routed', userId, inboxOwnerId: userId };
    // Read again under the lock: the care ends when the user is deleted.
    const caretakerId = await this.directory.caretakerOf(userId, this.clock.now());
    if (!caretakerId || caretakerId !== foreseen || left.has(caretakerId))
      return { outcome: 'voicemail', ...nobody, leaverId: userId };
    return { ...nobody, outcome: 'routed', userId: caretakerId, inboxOwnerId: userId };
  }

  /** Returns the number in use, or else the one released last, as far as the carrier has confirmed them. */
  private async dialled(accountId: string, e164: string): Promise<PhoneNumberRow> {
    const confirmed = this.config.numbersRequireConfirmation ? { verifiedAt: { $ne: null } } : {};
    const known = await this.em.find(
      PhoneNumber,
      { accountId, e164, ...confirmed },
      { orderBy: { releaseAt: 'desc', id: 'desc' } },
    );
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
