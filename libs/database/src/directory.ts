import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import { Problem, type UserStatus, type UserView } from '#libs/contracts';
import { sql } from 'kysely';
import { setTimeout as pause } from 'node:timers/promises';

export interface DirectoryRow {
  user_id: string;
  account_id: string;
  name: string | null;
  status: UserStatus;
  is_manager: boolean;
  redaction_label: 'plain' | 'with-id';
}

/** The display name of a user. A deleted user has no name; the label shows as much of the id as the account allows. */
export function displayName(row: Pick<DirectoryRow, 'user_id' | 'name' | 'status' | 'redaction_label'>): string {
  if (row.status !== 'deleted') return row.name ?? 'Unknown user';
  return row.redaction_label === 'with-id' ? `Deleted user, ID${row.user_id.slice(0, 8)}` : 'Deleted user';
}

/** A user as identity knows them at the moment. */
export interface CurrentUser {
  userId: string;
  staffId: string | null;
  status: UserStatus;
  lifecycleVersion: number;
  teamIds: string[];
}

/** Users of an account, named by id or by staff id. */
export interface NamedUsers {
  userIds?: readonly string[];
  staffIds?: readonly string[];
}

/** Asks identity about users. */
export abstract class UserLookup {
  /** Loads users who are not in the directory yet, and inserts those that exist. */
  abstract load(accountId: string, userIds: string[]): Promise<void>;

  /** Changes nothing in the directory. @throws Problem `service-unavailable` */
  abstract current(accountId: string, named: NamedUsers): Promise<CurrentUser[]>;
}

/** Milliseconds for which a return that identity knows of may be on its way to the directory. */
const MAX_EVENT_DELAY_MS = 5_000;
const POLL_INTERVAL_MS = 50;

/** A transaction names users who are not in the directory. Their first event may not have arrived yet. */
export class UnknownUsers extends Problem {
  constructor(
    readonly accountId: string,
    readonly userIds: readonly string[],
  ) {
    super('unknown-user', { detail: 'Choose a user of this account.', items: [...userIds] });
  }
}

@Injectable()
export class Directory {
  constructor(
    private readonly em: EntityManager,
    @Optional() private readonly lookup?: UserLookup,
  ) {}

  /**
   * Loads those of these users whom the directory does not know yet. Calls identity, so it must run before the
   * transaction.
   */
  async prepare(accountId: string, userIds: readonly (string | null | undefined)[]): Promise<void> {
    const ids = unique(userIds);
    if (!this.lookup || ids.length === 0) return;
    const { rows } = await sql<{ user_id: string }>`
      select user_id from directory where account_id = ${accountId} and user_id = any(${ids}::uuid[])`.execute(
      this.em.getKysely(),
    );
    const unknown = missing(ids, rows);
    if (unknown.length > 0) await this.lookup.load(accountId, unknown);
  }

  /**
   * Asks identity for users, for results that are stored and not corrected later. The directory cannot decide them: it
   * may not know yet what the caller has just changed. Must run before the transaction, which then finds all of these
   * users in the directory.
   * @throws Problem `service-unavailable`
   */
  async current(accountId: string, named: NamedUsers): Promise<CurrentUser[]> {
    if (!this.lookup) return this.stored(accountId, named);
    const users = await this.lookup.current(accountId, named);
    await this.prepare(
      accountId,
      users.map((user) => user.userId),
    );
    await this.waitForReturns(users);
    return users;
  }

  /**
   * The user's teams as identity knows them; those in the directory if identity does not answer, because what a user
   * writes must not wait for a report about teams. Must run before the transaction.
   */
  async currentTeamsOf(accountId: string, userId: string): Promise<string[]> {
    const [user] = await this.current(accountId, { userIds: [userId] }).catch(noneIfUnavailable);
    return user?.teamIds ?? this.teamsOf(userId);
  }

  /**
   * Waits until the directory knows of the return of those users who have left according to it. Costs a query if none
   * of them has. Must run before a transaction that records whether a user has left. Without an answer from identity, the
   * directory decides.
   */
  async prepareStatus(accountId: string, userIds: readonly (string | null | undefined)[]): Promise<void> {
    const known = await this.stored(accountId, { userIds: unique(userIds) });
    const left = known.filter(hasLeft).map((user) => user.userId);
    if (left.length > 0) await this.current(accountId, { userIds: left }).catch(noneIfUnavailable);
  }

  private async stored(accountId: string, { userIds = [], staffIds = [] }: NamedUsers): Promise<CurrentUser[]> {
    const { rows } = await sql<CurrentUser>`
      select user_id as "userId", staff_id as "staffId", status, lifecycle_version::float8 as "lifecycleVersion",
        team_ids as "teamIds" from directory
      where account_id = ${accountId} and (user_id = any(${[...userIds]}::uuid[]) or staff_id = any(${[...staffIds]}::text[]))
      order by user_id`.execute(this.em.getKysely());
    return rows;
  }

  /** Ends without success if the event takes too long; then the users count as having left. */
  private async waitForReturns(users: readonly CurrentUser[]): Promise<void> {
    const here = new Map(users.filter((user) => !hasLeft(user)).map((user) => [user.userId, user.lifecycleVersion]));
    const deadline = performance.now() + MAX_EVENT_DELAY_MS;
    while (here.size > 0 && (await this.isBehind(here)) && performance.now() < deadline) await pause(POLL_INTERVAL_MS);
  }

  private async isBehind(versions: ReadonlyMap<string, number>): Promise<boolean> {
    const { rows } = await sql`
      select 1 from directory d join unnest(${[...versions.keys()]}::uuid[], ${[...versions.values()]}::bigint[])
        as n (user_id, lifecycle_version) using (user_id)
      where d.status in ('deactivated', 'deleted') and d.lifecycle_version < n.lifecycle_version limit 1`.execute(
      this.em.getKysely(),
    );
    return rows.length > 0;
  }

  /**
   * Runs a transaction that locks users. If it names an unknown user, it is rolled back, identity is asked, and it runs
   * once more, so that a new user can be named before the first event about them has arrived. The transaction must let
   * `UnknownUsers` propagate; if it cannot, call `prepare` first.
   * @throws UnknownUsers when identity does not know them either
   */
  async withLookup<T>(transaction: () => Promise<T>): Promise<T> {
    try {
      return await transaction();
    } catch (error) {
      if (!this.lookup || !(error instanceof UnknownUsers)) throw error;
      await this.prepare(error.accountId, error.userIds);
      return transaction();
    }
  }

  /**
   * Refuses users who have left, and keeps the others from leaving until the transaction ends: a departure locks the
   * same rows exclusively, so no row can be added behind a rule. Call it in the transaction that writes the row.
   * @throws UnknownUsers, or Problem `inactive-user` with the ids
   */
  async requireActive(accountId: string, userIds: readonly (string | null | undefined)[]): Promise<void> {
    await this.refuse(accountId, userIds, hasLeft, 'Choose a user who has not left.');
  }

  /**
   * Like `requireActive`, but accepts deactivated users: refuses only deleted ones.
   * @throws UnknownUsers, or Problem `inactive-user` with the ids
   */
  async requireNotDeleted(accountId: string, userIds: readonly (string | null | undefined)[]): Promise<void> {
    await this.refuse(accountId, userIds, isDeleted, 'Choose a user who has not been deleted.');
  }

  private async refuse(
    accountId: string,
    userIds: readonly (string | null | undefined)[],
    isGone: (row: LockedRow) => boolean,
    detail: string,
  ): Promise<void> {
    const ids = unique(userIds);
    if (ids.length === 0) return;
    const gone = (await this.lock(accountId, ids)).filter(isGone).map((row) => row.user_id);
    if (gone.length > 0) throw new Problem('inactive-user', { detail, items: gone });
  }

  /**
   * Locks a user's status until the transaction ends: a departure or reactivation has to wait.
   * @returns whether the user has left already
   * @throws UnknownUsers
   */
  async lockAndCheckLeft(accountId: string, userId: string): Promise<boolean> {
    return (await this.lockAndFindLeft(accountId, [userId])).has(userId);
  }

  /**
   * Like `lockAndCheckLeft` for several users, who are locked in the same order as by a departure.
   * @returns the ids of those who have left already
   * @throws UnknownUsers
   */
  async lockAndFindLeft(accountId: string, userIds: readonly (string | null | undefined)[]): Promise<Set<string>> {
    const locked = await this.lock(accountId, unique(userIds));
    return new Set(locked.filter(hasLeft).map((row) => row.user_id));
  }

  /** Returns the user who manages this user's inbox at this time. A deleted user has no caretaker. */
  async caretakerOf(userId: string, now: Date): Promise<string | undefined> {
    const { rows } = await sql<{ caretaker_id: string }>`
      select caretaker_id from directory
      where user_id = ${userId} and caretaker_id is not null and status <> 'deleted'
        and (caretaker_until is null or caretaker_until > ${now})`.execute(this.em.getKysely());
    return rows[0]?.caretaker_id;
  }

  private async lock(accountId: string, ids: readonly string[]): Promise<LockedRow[]> {
    const { rows } = await sql<LockedRow>`
      select user_id, status from directory
      where account_id = ${accountId} and user_id = any(${[...ids]}::uuid[])
      order by user_id for key share`.execute(this.em.getKysely());
    const unknown = missing(ids, rows);
    if (unknown.length > 0) throw new UnknownUsers(accountId, unknown);
    return rows;
  }

  /** Returns the ids of the user's current teams. */
  async teamsOf(userId: string): Promise<string[]> {
    const { rows } = await sql<{ team_ids: string[] }>`
      select team_ids from directory where user_id = ${userId}`.execute(this.em.getKysely());
    return rows[0]?.team_ids ?? [];
  }

  /** Views of the given users by id, loaded with one query. */
  async views(userIds: readonly (string | null | undefined)[]): Promise<Map<string, UserView>> {
    const ids = unique(userIds);
    if (ids.length === 0) return new Map();
    const { rows } = await sql<DirectoryRow>`
      select user_id, account_id, name, status, is_manager, redaction_label from directory where user_id = any(${ids}::uuid[])`.execute(
      this.em.getKysely(),
    );
    const views = new Map<string, UserView>(
      rows.map((row) => [row.user_id, { id: row.user_id, name: displayName(row), status: row.status }]),
    );
    // A row can refer to a user before the event that introduces the user has arrived.
    for (const id of ids) if (!views.has(id)) views.set(id, { id, name: 'Unknown user', status: 'active' });
    return views;
  }

  async view(userId: string | null | undefined): Promise<UserView | null> {
    return userId ? (await this.views([userId])).get(userId)! : null;
  }
}

type LockedRow = Pick<DirectoryRow, 'user_id' | 'status'>;

const isDeleted = ({ status }: LockedRow): boolean => status === 'deleted';
export const hasLeft = ({ status }: { status: UserStatus }): boolean =>
  status === 'deactivated' || status === 'deleted';
const missing = (ids: readonly string[], rows: readonly Pick<LockedRow, 'user_id'>[]): string[] =>
  ids.filter((id) => !rows.some((row) => row.user_id === id));
const noneIfUnavailable = (error: unknown): CurrentUser[] => {
  if (error instanceof Problem && error.code === 'service-unavailable') return [];
  throw error;
};
const unique = (ids: readonly (string | null | undefined)[]): string[] =>
  [...new Set(ids.filter((id): id is string => !!id))].sort();
