import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Invitation, type InvitedUser, type Principal, type UserTransfer } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { lockAccount } from '../../../common/account-lock.js';
import { Audit } from '../../../audit/audit.js';
import { Erasure } from '../erasure.js';
import { Refusals } from '../../plan/refusals.js';
import { Invitations } from '../../../invitation/invitations.js';
import { PasswordResets } from '../../../password/password-resets.js';
import { DepartureStore } from '../../store/departure-store.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import { alreadyScheduled } from '../schedule/schedule.js';
import { Sessions } from '../../../session/sessions.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { duplicates } from '../../../user/new-users.js';
import { assertOwnerRemains } from '../../../user/sole-owner.js';
import { requireNonBlank } from '../../../common/require-non-blank.js';
import { UserEvents } from '../../../user/user-events.js';
import { UserRows, type UserRow } from '../../../user/user-rows.js';
import { toUser } from '../../../user/user-view.js';
import { mapConstraintErrors } from '../../../common/constraint-errors.js';
import { FormerEvents } from './former-events.js';

/**
 * Transfers a user to another person. Everything that names the user by id stays: number, inbox, history, roles. Personal
 * data of the former person is erased, as by a deletion.
 */
@Injectable()
export class Transfers {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly refusals: Refusals,
    private readonly departures: DepartureQueries,
    private readonly store: DepartureStore,
    private readonly sessions: Sessions,
    private readonly erasure: Erasure,
    private readonly invitations: Invitations,
    private readonly resets: PasswordResets,
    private readonly events: UserEvents,
    private readonly formerEvents: FormerEvents,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /**
   * Mails the new person a link to choose a password, or an invitation if the user had not accepted theirs.
   * @throws Problem `not-found`, `forbidden`, `conflict`, `legal-hold`, `sole-owner`, `duplicate-email`, `duplicate-staff-id`
   */
  async transfer(principal: Principal, userId: string, to: UserTransfer): Promise<InvitedUser> {
    const former = await this.lockAndCheck(principal, userId, to);
    await this.rename(userId, to);
    await this.endAccess(userId);
    await this.audit.scrub(userId);
    await this.store.erasePersonal([userId]);
    await this.events.publishChanged([userId]);
    await this.formerEvents.forget(userId);
    const invitation = await this.inviteOrReset(principal, former, to.email);
    const { accountId, userId: actorId } = principal;
    await this.audit.append([{ accountId, action: 'user.transferred', actorId, subjectId: userId, detail: { ...to } }]);
    const user = toUser(await this.users.get(accountId, userId), this.clock.now());
    return invitation ? { ...user, invitation } : user;
  }

  /** Locks the account and the user. Of two concurrent transfers one is refused, because the user's seq has changed. */
  private async lockAndCheck(principal: Principal, userId: string, to: UserTransfer): Promise<UserRow> {
    const { accountId } = principal;
    const seen = await this.users.get(accountId, userId);
    assertMayManage(principal.roles, seen.roles);
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const user = await this.users.get(accountId, userId);
    assertMayManage(await this.actors.rolesOf(principal), user.roles);
    if (user.seq !== seen.seq)
      throw new Problem('conflict', { detail: 'The user has been changed by another request. Read it again.' });
    if (user.status !== 'active' && user.status !== 'invited')
      throw new Problem('conflict', { detail: `The user is ${user.status} and cannot be transferred.` });
    await this.refusals.recording(principal, { user, transition: 'transferred' }, () => this.guard(user));
    if ((await this.departures.usersWithScheduledDeparture([userId])).has(userId)) throw alreadyScheduled();
    if (user.email?.toLowerCase() === to.email.toLowerCase())
      throw new Problem('duplicate-email', { detail: 'This is the user’s current email address.' });
    return user;
  }

  private async guard({ id, account_id: accountId, status, roles, legal_hold: held }: UserRow): Promise<void> {
    if (held) throw new Problem('legal-hold', { detail: 'Lift the legal hold first.' });
    const ownsAccount = status === 'active' && roles.includes('owner');
    if (ownsAccount) await assertOwnerRemains(this.em, accountId, [id]);
  }

  private async rename(userId: string, to: UserTransfer): Promise<void> {
    const [name, staffId] = [requireNonBlank('name', to.name), requireNonBlank('staffId', to.staffId)];
    await mapConstraintErrors(duplicates, () =>
      sql`
        update users set name = ${name}, email = ${to.email}, staff_id = ${staffId}, avatar_url = null, password_hash = null,
          user_name = null, external_id = null, scim_name = null
        where id = ${userId}`.execute(this.em.getKysely()),
    );
  }

  /** The former person may know the tokens of open invitations to or from this user. */
  private async endAccess(userId: string): Promise<void> {
    await this.sessions.endAll([userId]);
    await this.erasure.deleteCredentials([userId]);
    await sql`
      update invitation set revoked = true, revoked_at = ${this.clock.now()}
      where (user_id = ${userId} or invited_by = ${userId}) and accepted_at is null and revoked_at is null`.execute(
      this.em.getKysely(),
    );
  }

  private async inviteOrReset(principal: Principal, former: UserRow, email: string): Promise<Invitation | undefined> {
    if (former.status === 'invited') return this.invitations.create(former.id, email, principal.userId);
    await this.resets.send([{ id: former.id, email }]);
    return undefined;
  }
}
