import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Invitation, type Principal, type Role, type UserChange } from '#libs/contracts';
import { lockAccount } from '../common/account-lock.js';
import { actorOf, Audit } from '../audit/audit.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { assertOwnerRemains } from '../user/sole-owner.js';
import { UserEvents } from '../user/user-events.js';
import { UserRows, type UserRow } from '../user/user-rows.js';
import { MembershipChanges } from './membership-changes.js';
import { ProfileChanges } from './profile-changes.js';

/** Fields of their own that all users can change. */
const OWN_FIELDS: readonly (keyof UserChange)[] = ['name', 'avatarUrl', 'password', 'currentPassword'];

/** What lets a user in. A token that could change it would become a way to sign in. */
const LETS_IN: readonly (keyof UserChange)[] = ['email', 'password', 'currentPassword'];

/** Changes users on behalf of managers, of the users themselves and of identity providers. */
@Injectable()
export class UserChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly profiles: ProfileChanges,
    private readonly memberships: MembershipChanges,
    private readonly actors: Actors,
    private readonly events: UserEvents,
    private readonly audit: Audit,
  ) {}

  /**
   * @returns the new invitation of an invited user whose address has changed
   * @throws Problem `forbidden`, `not-found`, `conflict`, `sole-owner`, `duplicate-…`, `unknown-reference`,
   *   `unknown-user`, `inactive-user`, `step-up-required` or `validation`
   */
  async apply(principal: Principal, userId: string, change: UserChange): Promise<Invitation | undefined> {
    const { accountId } = principal;
    assertMayChange(principal.roles, principal, await this.users.get(accountId, userId), change);
    if (change.roles) await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'change');
    const before = await this.users.get(accountId, userId);
    if (before.status === 'deleted') throw new Problem('conflict', { detail: 'A deleted user cannot be changed.' });
    const losesOwner = change.roles && before.roles.includes('owner') && !change.roles.includes('owner');
    if (losesOwner) await assertOwnerRemains(this.em, accountId, [userId]);
    // Checked again with the roles in the database, because the token can be older than a change of the caller's roles.
    assertMayChange(await this.actors.rolesOf(principal), principal, before, change);
    const profile = await this.profiles.change(principal, before, change);
    if (profile.emailRequested) {
      const action = 'user.email-change-requested';
      await this.audit.append([{ accountId, action, ...actorOf(principal), subjectId: userId }]);
    }
    const detail = {
      ...profile.differences,
      ...(await this.memberships.change(principal, before, change)),
    };
    if (Object.keys(detail).length > 0) {
      await this.events.publishChanged([userId]);
      await this.audit.append([
        { accountId, action: 'user.updated', ...actorOf(principal), subjectId: userId, detail },
      ]);
    }
    return profile.invitation;
  }
}

function assertMayChange(
  actorRoles: readonly Role[],
  { userId, scopes }: Principal,
  target: UserRow,
  change: UserChange,
): void {
  const own = userId === target.id;
  const fields = (Object.keys(change) as (keyof UserChange)[]).filter((field) => change[field] !== undefined);
  if (scopes !== undefined && LETS_IN.some((field) => fields.includes(field))) {
    throw new Problem('forbidden', { detail: 'A token cannot change an address or a password. Use a session.' });
  }
  if (!own && (fields.includes('password') || fields.includes('currentPassword'))) {
    throw new Problem('forbidden', { detail: 'Users can change only their own password.' });
  }
  if (own && fields.every((field) => OWN_FIELDS.includes(field))) return;
  assertMayManage(actorRoles, [...target.roles, ...(change.roles ?? [])]);
}
