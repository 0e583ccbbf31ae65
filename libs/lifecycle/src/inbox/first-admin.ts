import type { UserStatus } from '#libs/contracts';
import { sql } from 'kysely';
import type { Sql } from '../sql/relation.js';
import type { Db } from '../declare/where.js';

/** The service knows no successor in the account. The event is retried, because the directory may be out of date. */
export class NoFirstAdmin extends Error {
  readonly code = 'no-first-admin';
}

/** The first admin that the event names is not in the directory yet. The event is retried. */
export class UnknownFirstAdmin extends Error {
  readonly code = 'first-admin-unknown';
}

/** A leaver whose event may name the first admin of the account. */
interface Leaver {
  accountId: string;
  firstAdminId?: string | null;
}

/** What the service's directory says. */
interface Known {
  statusOf: (accountId: string, userId: string) => UserStatus | undefined;
  isLeaving: (userId: string) => boolean;
  /** By account. */
  firstAdmins: ReadonlyMap<string, string>;
}

/**
 * The first admin that the event names, because the directory may be out of date; if that user has left since, the one of
 * the directory.
 * @throws UnknownFirstAdmin
 */
export function firstAdminOf({ accountId, firstAdminId }: Leaver, known: Known): string | undefined {
  if (firstAdminId && !known.isLeaving(firstAdminId)) {
    const status = known.statusOf(accountId, firstAdminId);
    if (!status) throw new UnknownFirstAdmin(`the first admin of account ${accountId} is not in the directory yet`);
    // Identity has named an active user. One who is still invited here has accepted the invitation meanwhile.
    if (status === 'active' || status === 'invited') return firstAdminId;
  }
  return known.firstAdmins.get(accountId);
}

/** The first admin of each account that has one, never a leaver. Their rows are not locked. */
export async function firstAdmins(
  db: Db,
  accountIds: readonly string[],
  leaving: readonly string[],
): Promise<{ account_id: string; user_id: string }[]> {
  const { rows } = await sql<{
    account_id: string;
    user_id: string;
  }>`${selectFirstAdmins(accountIds, leaving)}`.execute(db);
  return rows;
}

export const selectFirstAdmins = (accountIds: readonly string[], leaving: readonly string[]): Sql => sql`
  select a.id as account_id, d.user_id from unnest(${[...accountIds]}::uuid[]) as a (id) cross join lateral (
    select user_id from directory
    where account_id = a.id and is_manager and status = 'active' and user_id <> all(${[...leaving]}::uuid[])
    order by user_created_at, user_id limit 1) d`;
