import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  isManager,
  numberReassign,
  numberRelease,
  numberRestore,
  phoneNumbers,
  Problem,
  type Call,
  type NewPhoneNumber,
  type NumberReassignment,
  type NumberRelease,
  type NumberRestoration,
  type PhoneNumber as PhoneNumberView,
  type PhoneNumberChanges,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { handContactsOver, recordMoves } from '../number-contact/number-contacts.js';
import { PhoneNumber, type PhoneNumberRow } from './number.entity.js';

const base = plainResource(phoneNumbers, {
  entity: PhoneNumber,
  shown: ['e164', 'kind', 'state', 'releaseAt', 'inboxId', 'movedToId', 'verifiedAt', 'createdAt'],
  people: ['ownerId', 'destinationUserId', 'quarantinedFromId'],
  owner: 'ownerId',
});

@Controller()
export class NumberController extends base {
  override async prepare({ body, principal }: Call): Promise<Partial<PhoneNumberRow>> {
    const { e164, kind = 'personal', ownerId, destinationUserId } = body as NewPhoneNumber;
    if (kind === 'shared' && ownerId) {
      const message = 'ownerId must be left out: a shared number has no owner';
      throw new Problem('validation', { errors: [{ field: 'ownerId', message }] });
    }
    if (!isManager(principal) && (kind === 'shared' || (destinationUserId ?? principal.userId) !== principal.userId))
      throw new Problem('forbidden', { detail: 'Only owners and admins can add numbers that others use.' });
    const owner = kind === 'personal' ? (ownerId ?? principal.userId) : null;
    const destination = destinationUserId ?? owner;
    return { e164, kind, state: 'assigned', ownerId: owner, destinationUserId: destination, verifiedAt: null };
  }

  /** A number may be in another account, too: whose it is, the carrier says. */
  override async insert(call: Pick<Call, 'principal'>, values: Partial<PhoneNumberRow>): Promise<PhoneNumberRow> {
    return super.insert(call, values).catch((error: unknown) => {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      throw new Problem('conflict', { detail: 'This number is in use in this account.' });
    });
  }

  override async change(number: PhoneNumberRow, call: Call<PhoneNumberChanges>): Promise<void> {
    if (number.state !== 'assigned') throw new Problem('conflict', { detail: 'Only an assigned number is answered.' });
    await super.change(number, call);
  }

  @Handles(numberReassign)
  async reassign(call: Call<NumberReassignment>): Promise<PhoneNumberView> {
    const { userId } = call.body;
    await this.directory.requireActive(call.principal.accountId, [userId]);
    const number = await this.locked(call, ['assigned'], 'Only an assigned number can be reassigned.');
    await recordMoves(this.em.getKysely(), [{ numberId: number.id, userId }]);
    return this.save(call, number, {
      ownerId: number.kind === 'personal' ? userId : null,
      destinationUserId: userId,
    });
  }

  @Handles(numberRelease)
  async release(call: Call<NumberRelease>): Promise<PhoneNumberView> {
    const number = await this.locked(call, ['assigned', 'quarantined'], 'This number has been released already.');
    const successorId = call.body.moveContactsTo ?? null;
    if (successorId) await this.moveContacts(number, successorId);
    return this.save(call, number, {
      state: 'released',
      ownerId: null,
      destinationUserId: null,
      quarantinedFromId: null,
      inboxId: null,
      releaseAt: this.clock.now(),
      movedToId: successorId,
    });
  }

  /** The delayed release selects numbers by quarantinedFromId, so it skips a restored number. */
  @Handles(numberRestore)
  async restore(call: Call<NumberRestoration>): Promise<PhoneNumberView> {
    const { ownerId } = call.body;
    await this.directory.requireActive(call.principal.accountId, [ownerId]);
    const number = await this.locked(call, ['quarantined'], 'Only a quarantined number can be restored.');
    return this.save(call, number, {
      state: 'assigned',
      ownerId: number.kind === 'personal' ? ownerId : null,
      destinationUserId: ownerId,
      quarantinedFromId: null,
      releaseAt: null,
    });
  }

  /**
   * Locks the row exclusively and checks its state. Callers lock directory rows first, in the same order as a
   * departure.
   */
  private async locked(
    { principal, params }: Call,
    states: readonly PhoneNumberRow['state'][],
    otherwise: string,
  ): Promise<PhoneNumberRow> {
    const row = await this.findForUpdate(principal.accountId, params.id!);
    if (!row) throw new Problem('not-found');
    if (!states.includes(row.state)) throw new Problem('conflict', { detail: otherwise });
    return row;
  }

  private findForUpdate(accountId: string, id: string): Promise<PhoneNumberRow | null> {
    return this.em.findOne(PhoneNumber, { id, accountId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  }

  /**
   * Contacts go to the other number's owner, or to the user who answers it if it has no owner. Contacts that came to
   * this number from released ones move on with it.
   */
  private async moveContacts({ id, accountId }: PhoneNumberRow, successorId: string): Promise<void> {
    const successor = successorId === id ? null : await this.findForUpdate(accountId, successorId);
    if (successor?.state !== 'assigned') {
      throw new Problem('unknown-reference', { detail: 'Choose another assigned number.', items: [successorId] });
    }
    const db = this.em.getKysely();
    await recordMoves(db, [{ numberId: id, userId: successor.ownerId ?? successor.destinationUserId ?? null }]);
    await handContactsOver(db, id, successorId);
    await this.em.nativeUpdate(PhoneNumber, { accountId, movedToId: id }, { movedToId: successorId });
  }

  private async save(call: Call, number: PhoneNumberRow, values: Partial<PhoneNumberRow>): Promise<PhoneNumberView> {
    this.em.assign(number, values);
    await this.em.flush();
    return (await this.present([number], call))[0] as PhoneNumberView;
  }
}
