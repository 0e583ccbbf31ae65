import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type DepartureTransition, type Role, type UserStatus } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';
import { recordTeamChange } from './team-changes.js';

/** A user with roles, teams and the account's label for deleted users. */
export interface UserRow {
  id: string;
  account_id: string;
  staff_id: string | null;
  name: string | null;
  email: string | null;
  avatar_url: string | null;
  password_hash: string | null;
  status: UserStatus;
  seq: number;
  lifecycle_version: number;
  active_since: number;
  session_epoch: number;
  seat_taken: boolean;
  deactivated_at: string | null;
  suspended_at: string | null;
  deleted_at: string | null;
  legal_hold: boolean;
  legal_hold_reason: string | null;
  caretaker_id: string | null;
  caretaker_until: string | null;
  manager_id: string | null;
  created_at: string;
  roles: Role[];
  team_ids: string[];
  redaction_label: 'plain' | 'with-id';
}

/** Reads and locks users, and changes their status. */
@Injectable()
export class UserRows {
  constructor(private readonly em: EntityManager) {}

  /** @throws Problem `not-found`, also for a user of another account */
  async get(accountId: string, userId: string): Promise<UserRow> {
    const [row] = await this.select(sql`u.account_id = ${accountId} and u.id = ${userId}`);
    if (!row) throw new Problem('not-found', { detail: 'There is no such user.' });
    return row;
  }

  /** Ordered by id. */
  async byIds(userIds: readonly string[]): Promise<UserRow[]> {
    if (userIds.length === 0) return [];
    return this.select(sql`u.id = any(${userIds}::uuid[]) order by u.id`);
  }

  /** Those of them who belong to the account, by id. */
  async ofAccount(accountId: string, userIds: readonly string[]): Promise<Map<string, UserRow>> {
    const rows = await this.byIds(userIds);
    return new Map(rows.filter((row) => row.account_id === accountId).map((row) => [row.id, row]));
  }

  /**
   * Locks users against other changes until the transaction ends. Read them after locking, because earlier reads can be
   * stale. If the account is locked as well, lock it first.
   * @param strength `change` allows concurrent writes of rows that reference the users; `leave` does not
   */
  async lock(userIds: readonly string[], strength: 'change' | 'leave'): Promise<void> {
    const lock = strength === 'leave' ? sql`for update` : sql`for no key update`;
    await sql`select id from users where id = any(${userIds}::uuid[]) order by id ${lock}`.execute(this.em.getKysely());
  }

  /**
   * Sets the status of locked users, which a transfer and a reassignment leave as it is, and raises their lifecycle version and
   * `seq`. A suspension ends, except by a reassignment: what it has closed, the decision closes for good, and a later
   * reactivation lets the user in.
   */
  async changeStatus(transition: DepartureTransition, userIds: readonly string[], now: Date): Promise<void> {
    const changes = {
      deactivated: sql`status = 'deactivated', left_as = status, deactivated_at = ${now}`,
      deleted: sql`status = 'deleted', left_as = null, deactivated_at = coalesce(deactivated_at, ${now}), deleted_at = ${now}`,
      transferred: sql`status = status`,
      reassigned: sql`status = status`,
      reactivated: sql`status = coalesce(left_as, 'active'), left_as = null, deactivated_at = null, seat_taken = true, active_since = lifecycle_version + 1`,
    }[transition];
    const suspension = transition === 'reassigned' ? sql`suspended_at` : sql`null`;
    // Identity's rules remove a deleted user from their teams.
    if (transition === 'deleted') await this.recordTeamChanges(userIds, now);
    await sql`
      update users set ${changes}, suspended_at = ${suspension}, lifecycle_version = lifecycle_version + 1, seq = seq + 1, updated_at = ${now}
      where id = any(${[...userIds]}::uuid[])`.execute(this.em.getKysely());
  }

  private async recordTeamChanges(userIds: readonly string[], now: Date): Promise<void> {
    const teamIds = sql`select team_id from team_member where user_id = any(${[...userIds]}::uuid[])`;
    await recordTeamChange(this.em, teamIds, now);
  }

  private async select(where: RawBuilder<unknown>): Promise<UserRow[]> {
    const { rows } = await sql<UserRow>`
      select u.id, u.account_id, u.staff_id, u.name, u.email, u.avatar_url, u.password_hash, u.status, u.seq::float8,
        u.lifecycle_version::float8, u.active_since::float8, u.session_epoch, u.seat_taken, u.deactivated_at, u.deleted_at, u.suspended_at,
        u.legal_hold_at is not null as legal_hold, u.legal_hold_reason, u.caretaker_id, u.caretaker_until, u.manager_id, u.created_at,
        array(select r.role from user_role r where r.user_id = u.id order by r.role) as roles,
        array(select m.team_id from team_member m where m.user_id = u.id order by m.team_id) as team_ids,
        (select a.redaction_label from account a where a.id = u.account_id) as redaction_label
      from users u where ${where}`.execute(this.em.getKysely());
    return rows;
  }
}
