import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import { Problem, type UserStatus, type UserView } from '#libs/contracts';
import { sql } from 'kysely';
import { migration } from './migrate.js';

/** The service's own copy of who is who, fed by the user events. The only place where a name is read. */
export const directoryTable = migration(
  '0002-directory',
  `create table directory (
    user_id user_ref primary key,
    account_id uuid not null,
    name personal,
    staff_id personal,
    status text not null check (status in ('invited', 'active', 'deactivated', 'deleted')),
    seq bigint not null,
    lifecycle_version bigint not null,
    is_manager boolean not null default false,
    team_ids uuid[] not null default '{}',
    user_created_at timestamptz not null,
    redaction_label text not null default 'plain',
    legal_hold boolean not null default false
  ) with (fillfactor = 80)`,
  `create index directory_first_admin on directory (account_id, user_created_at, user_id) where is_manager and status = 'active'`,
  `create index directory_staff_id on directory (account_id, staff_id) where staff_id is not null`,
);

/** Who takes care of whose inbox, and until when; null for no end. */
export const directoryCare = migration(
  '0004-directory-care',
  'alter table directory add column caretaker_id user_ref, add column caretaker_until timestamptz',
  'create index directory_caretaker on directory (caretaker_id, user_id) where caretaker_id is not null',
);

/**
 * Managers are few, whatever their status; with the status out of the index a departure changes no index of this table, and
 * PostgreSQL keeps the new version of the row beside the old one (HOT).
 */
export const directoryManagers = migration(
  '0007-directory-managers',
  'create index directory_manager on directory (account_id, user_created_at, user_id) where is_manager',
  'drop index directory_first_admin',
);

export interface DirectoryRow {
  user_id: string;
  account_id: string;
  name: string | null;
  status: UserStatus;
  is_manager: boolean;
  redaction_label: 'plain' | 'with-id';
}

/** How a person is shown. A deleted one has lost the name; the label says no more than the account wants. */
export function displayName(row: Pick<DirectoryRow, 'user_id' | 'name' | 'status' | 'redaction_label'>): string {
  if (row.status !== 'deleted') return row.name ?? 'Unknown user';
  return row.redaction_label === 'with-id' ? `Deleted user, ID${row.user_id.slice(0, 8)}` : 'Deleted user';
}

/** Asks elsewhere about people who are not in the directory yet, and enters those who exist. */
export abstract class UserLookup {
  abstract load(accountId: string, userIds: string[]): Promise<void>;
}

/** A transaction names people who are not in the directory. Their first event may be on its way. */
export class UnknownUsers extends Problem {
  constructor(
    readonly accountId: string,
    readonly userIds: readonly string[],
  ) {
    super('unknown-user', { detail: 'Name a user of this account.', items: [...userIds] });
  }
}

@Injectable()
export class Directory {
  constructor(
    private readonly em: EntityManager,
    @Optional() private readonly lookup?: UserLookup,
  ) {}

  /** Enters those of them whom only identity knows so far. It asks identity, so it comes before a transaction. */
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
   * Runs a transaction that locks people here. Where somebody is unknown it is rolled back, identity is asked, and it runs
   * once more: so a new user can be named before the first event about them has arrived.
   * The transaction must let `UnknownUsers` pass; where it can't, `prepare` comes before it.
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
   * Refuses whoever has left, and keeps everybody named here from leaving until the transaction ends: a departure takes
   * the same rows exclusively, so no row can slip in behind a rule. Call it in the transaction that writes the row.
   * @throws UnknownUsers, or Problem `inactive-user`, naming the ids
   */
  async requireActive(accountId: string, userIds: readonly (string | null | undefined)[]): Promise<void> {
    await this.refuse(accountId, userIds, hasLeft, 'Name somebody who has not left.');
  }

  /**
   * The same for what may still name somebody deactivated: refuses only whoever is deleted.
   * @throws UnknownUsers, or Problem `inactive-user`, naming the ids
   */
  async requireNotDeleted(accountId: string, userIds: readonly (string | null | undefined)[]): Promise<void> {
    await this.refuse(accountId, userIds, isDeleted, 'Name somebody who has not been deleted.');
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
   * Keeps a person as they are until the transaction ends: whoever decides that they leave or return has to wait.
   * @returns whether they have left already
   * @throws UnknownUsers
   */
  async lockAndCheckLeft(accountId: string, userId: string): Promise<boolean> {
    return (await this.lock(accountId, [userId])).some(hasLeft);
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

  /** How the given people are shown, by id. One query however many. */
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
    // The row that names them can be here before the event that introduces them.
    for (const id of ids) if (!views.has(id)) views.set(id, { id, name: 'Unknown user', status: 'active' });
    return views;
  }

  async view(userId: string | null | undefined): Promise<UserView | null> {
    return userId ? (await this.views([userId])).get(userId)! : null;
  }
}

type LockedRow = Pick<DirectoryRow, 'user_id' | 'status'>;

const isDeleted = ({ status }: LockedRow): boolean => status === 'deleted';
const hasLeft = ({ status }: LockedRow): boolean => status === 'deactivated' || status === 'deleted';
const missing = (ids: readonly string[], rows: readonly Pick<LockedRow, 'user_id'>[]): string[] =>
  ids.filter((id) => !rows.some((row) => row.user_id === id));
const unique = (ids: readonly (string | null | undefined)[]): string[] =>
  [...new Set(ids.filter((id): id is string => !!id))].sort();
