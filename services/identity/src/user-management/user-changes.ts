import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type Role, type User, type UserChange } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { lockAccount } from '../common/account-lock.js';
import { actorOf, Audit } from '../audit/audit.js';
import { Passwords } from '../password/passwords.js';
import { Sessions } from '../session/sessions.js';
import { mapConstraintErrors } from '../common/constraint-errors.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { Memberships } from '../user/memberships.js';
import { duplicates } from '../user/new-users.js';
import { assertOwnerRemains } from '../user/sole-owner.js';
import { requireNonBlank } from '../common/require-non-blank.js';
import { UserEvents } from '../user/user-events.js';
import { UserRows, type UserRow } from '../user/user-rows.js';
import { toUser } from '../user/user-view.js';

/** Fields of their own that all users can change. */
const OWN_FIELDS: readonly (keyof UserChange)[] = ['name', 'avatarUrl', 'password', 'currentPassword'];
type Detail = Record<string, { from: unknown; to: unknown }>;

@Injectable()
export class UserChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly memberships: Memberships,
    private readonly actors: Actors,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly events: UserEvents,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `forbidden`, `not-found`, `conflict`, `sole-owner`, `duplicate-…`, `unknown-reference` or `validation` */
  async apply(principal: Principal, userId: string, change: UserChange): Promise<User> {
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
    if (change.password !== undefined) await this.changePassword(principal, before, change);
    const detail = { ...(await this.changeProfile(before, change)), ...(await this.changeMemberships(before, change)) };
    if (Object.keys(detail).length > 0) {
      await this.events.publishChanged([userId]);
      await this.audit.append([
        { accountId, action: 'user.updated', ...actorOf(principal), subjectId: userId, detail },
      ]);
    }
    return toUser(await this.users.get(accountId, userId), this.clock.now());
  }

  private async changeProfile(before: UserRow, change: UserChange): Promise<Detail> {
    const after = {
      name: change.name === undefined ? before.name : requireNonBlank('name', change.name),
      email: change.email ?? before.email,
      staffId: change.staffId === undefined ? before.staff_id : requireNonBlank('staffId', change.staffId),
      avatarUrl: change.avatarUrl === undefined ? before.avatar_url : change.avatarUrl,
    };
    const detail = differences(
      { name: before.name, email: before.email, staffId: before.staff_id, avatarUrl: before.avatar_url },
      after,
    );
    if (Object.keys(detail).length === 0) return detail;
    await mapConstraintErrors(duplicates, () =>
      sql`
        update users set name = ${after.name}, email = ${after.email}, staff_id = ${after.staffId}, avatar_url = ${after.avatarUrl}
        where id = ${before.id}`.execute(this.em.getKysely()),
    );
    return detail;
  }

  private async changeMemberships(before: UserRow, change: UserChange): Promise<Detail> {
    const detail = differences(
      { roles: before.roles, teamIds: before.team_ids },
      {
        roles: change.roles ? [...new Set(change.roles)].sort() : before.roles,
        teamIds: change.teamIds ? [...new Set(change.teamIds)].sort() : before.team_ids,
      },
    );
    if (detail.roles) await this.memberships.setRoles(before.id, change.roles!);
    if (detail.teamIds) await this.memberships.setTeams(before.account_id, before.id, change.teamIds!);
    // A lost role takes effect now, not when the access token expires.
    if (detail.roles && before.roles.some((role) => !change.roles!.includes(role)))
      await this.sessions.renewClaims([before.id]);
    return detail;
  }

  private async changePassword(principal: Principal, before: UserRow, change: UserChange): Promise<void> {
    const known = await this.passwords.matches(change.currentPassword ?? '', before.password_hash);
    if (!known) {
      throw new Problem('validation', {
        errors: [{ field: 'currentPassword', message: 'currentPassword must be your password' }],
      });
    }
    const passwordHash = await this.passwords.hash(change.password!);
    await this.sessions.endOthers(before.id, principal.sessionId);
    await sql`update users set password_hash = ${passwordHash} where id = ${before.id}`.execute(this.em.getKysely());
    const { accountId, userId } = principal;
    await this.audit.append([{ accountId, action: 'password.changed', actorId: userId, subjectId: userId }]);
  }
}

function assertMayChange(
  actorRoles: readonly Role[],
  { userId }: Principal,
  target: UserRow,
  change: UserChange,
): void {
  const own = userId === target.id;
  const fields = (Object.keys(change) as (keyof UserChange)[]).filter((field) => change[field] !== undefined);
  if (!own && (fields.includes('password') || fields.includes('currentPassword'))) {
    throw new Problem('forbidden', { detail: 'Users can change only their own password.' });
  }
  if (own && fields.every((field) => OWN_FIELDS.includes(field))) return;
  assertMayManage(actorRoles, [...target.roles, ...(change.roles ?? [])]);
}

function differences(before: Record<string, unknown>, after: Record<string, unknown>): Detail {
  const changed = Object.keys(after).filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  return Object.fromEntries(changed.map((field) => [field, { from: before[field], to: after[field] }]));
}
