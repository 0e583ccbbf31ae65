import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { canonical, type Invitation, type Principal, type UserChange } from '#libs/contracts';
import { sql } from 'kysely';
import { actorOf } from '../audit/audit.js';
import { mapConstraintErrors } from '../common/constraint-errors.js';
import { requireNonBlank } from '../common/require-non-blank.js';
import { EmailChanges } from '../email-change/email-changes.js';
import { FormerIdentifiers } from '../former-identifier/former-identifiers.js';
import { Invitations } from '../invitation/invitations.js';
import { MailedLinks } from '../invitation/mailed-links.js';
import { PasswordChanges } from '../password/password-changes.js';
import { Proofs } from '../session/proofs.js';
import { duplicates } from '../user/new-users.js';
import type { UserRow } from '../user/user-rows.js';
import { differences, type Differences } from './differences.js';

export interface ProfileChange {
  differences: Differences;
  /** The new invitation of an invited user whose address has changed. */
  invitation?: Invitation;
  /** The user has asked for another address, and has to confirm it. */
  emailRequested?: boolean;
}

/** Changes what belongs to the person: name, address, staff id, picture and password. */
@Injectable()
export class ProfileChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly links: MailedLinks,
    private readonly invitations: Invitations,
    private readonly passwords: PasswordChanges,
    private readonly former: FormerIdentifiers,
    private readonly proofs: Proofs,
    private readonly emailChanges: EmailChanges,
  ) {}

  /**
   * In the caller's transaction, which has locked the user and the caller. With the address, everything that was sent to
   * the former one ends, and both are told. The callers' own address changes when they confirm the new one.
   * @param before the locked user
   * @throws Problem `duplicate-email`, `duplicate-staff-id`, `step-up-required` or `validation`
   */
  async change(principal: Principal, before: UserRow, change: UserChange): Promise<ProfileChange> {
    const { password, currentPassword } = change;
    if (password !== undefined)
      await this.passwords.change(principal, before.password_hash, { password, currentPassword });
    const emailRequested = await this.requestOwnEmail(principal, before, change);
    const after = {
      name: change.name === undefined ? before.name : requireNonBlank('name', change.name),
      email: change.email === undefined || emailRequested ? before.email : canonical(change.email),
      staffId: change.staffId === undefined ? before.staff_id : requireNonBlank('staffId', change.staffId),
      avatarUrl: change.avatarUrl === undefined ? before.avatar_url : change.avatarUrl,
    };
    const changed = differences(
      { name: before.name, email: before.email, staffId: before.staff_id, avatarUrl: before.avatar_url },
      after,
    );
    if (Object.keys(changed).length === 0) return { differences: changed, emailRequested };
    await this.former.record(before.id, identifiersIn(before), identifiersIn({ ...after, staff_id: after.staffId }));
    await mapConstraintErrors(duplicates, () =>
      sql`
        update users set name = ${after.name}, email = ${after.email}, staff_id = ${after.staffId}, avatar_url = ${after.avatarUrl},
          email_verified_at = case when fold_case(email) = fold_case(${after.email}) then email_verified_at end
        where id = ${before.id}`.execute(this.em.getKysely()),
    );
    return {
      differences: changed,
      emailRequested,
      ...(changed.email && { invitation: await this.readdress(principal, before, after) }),
    };
  }

  private async readdress(
    principal: Principal,
    { id, status, email: former, seat_taken: hasSeat }: UserRow,
    { email }: { email: string | null },
  ): Promise<Invitation | undefined> {
    await this.links.end([id]);
    // A revoked invitation stays revoked.
    if (status === 'invited' && hasSeat && email !== null)
      return this.invitations.create(id, email, actorOf(principal).actorId);
    // The address of an invited user may be a stranger's, who has nothing to learn.
    if (status !== 'invited' && former !== null) await this.emailChanges.notifyChanged(id, former, email);
    return undefined;
  }

  /** @returns whether the callers have asked for another address of their own */
  private async requestOwnEmail(principal: Principal, before: UserRow, change: UserChange): Promise<boolean> {
    const own = principal.system === undefined && principal.userId === before.id;
    const email = change.email === undefined ? undefined : canonical(change.email);
    if (!own || email === undefined || email === before.email) return false;
    // A change of the password has checked the present one already.
    if (change.password === undefined) await this.requireProof(principal, before, change);
    await this.requireFree(before, email);
    await this.emailChanges.request(before.id, before.email, email);
    return true;
  }

  private requireProof(principal: Principal, { password_hash: hash }: UserRow, change: UserChange): Promise<void> {
    const { currentPassword } = change;
    return currentPassword === undefined
      ? this.proofs.require(principal)
      : this.passwords.confirm(principal, hash, currentPassword);
  }

  /** Saves the mail for an address that could not be confirmed. @throws Problem `duplicate-email` */
  private async requireFree({ id, account_id: accountId }: UserRow, email: string): Promise<void> {
    const { rows } = await sql`
      select id from users where account_id = ${accountId} and id <> ${id} and fold_case(email) = fold_case(${email}) limit 1`.execute(
      this.em.getKysely(),
    );
    if (rows.length > 0) throw duplicates.users_email();
  }
}

const identifiersIn = ({ name, email, staff_id }: Pick<UserRow, 'name' | 'email' | 'staff_id'>) => ({
  name,
  email,
  staff_id,
});
