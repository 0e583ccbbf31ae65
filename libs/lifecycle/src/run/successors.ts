import { sql } from 'kysely';
import type { Sql } from '../sql/relation.js';
import type { Db } from '../declare/where.js';
import type { Step } from './rule-set.js';

interface Leaver {
  userId: string;
  accountId: string;
  steps: readonly Step[];
}

export interface Successor {
  userId: string;
  warning?: string;
}

/**
 * The service knows no successor in the account. The event is retried, because the directory may be out of date.
 */
export class NoFirstAdmin extends Error {
  readonly code = 'no-first-admin';
}

/**
 * Who takes over. A named successor who has left since the decision is replaced by the first admin. The successors'
 * directory rows are locked, so that they cannot leave in between.
 */
export class Successors {
  private constructor(
    private readonly active: ReadonlySet<string>,
    private readonly firstAdmins: ReadonlyMap<string, string>,
  ) {}

  static async load(db: Db, leavers: readonly Leaver[]): Promise<Successors> {
    const giving = leavers.filter((leaver) => leaver.steps.some((step) => step.action.needsSuccessor));
    if (giving.length === 0) return new Successors(new Set(), new Map());
    const named = [...new Set(giving.flatMap((leaver) => leaver.steps.flatMap((step) => step.resolved.to ?? [])))];
    const leaving = leavers.map((leaver) => leaver.userId);
    const accounts = [...new Set(giving.map((leaver) => leaver.accountId))];
    // A user who leaves before the lock is granted no longer matches.
    const { rows: held } = await sql<{ user_id: string; account_id: string; first: boolean }>`
      with first as (select array(select user_id from (${selectFirstAdmins(accounts, leaving)}) f) as ids)
      select user_id, account_id, user_id = any((select ids from first)::uuid[]) as first from directory
      where user_id = any(${named}::uuid[] || (select ids from first)::uuid[])
        and status = 'active' and user_id <> all(${leaving}::uuid[])
      order by user_id for key share of directory`.execute(db);
    return new Successors(
      new Set(held.map((row) => `${row.account_id} ${row.user_id}`)),
      new Map(held.filter((row) => row.first).map((row) => [row.account_id, row.user_id])),
    );
  }

  /** @throws NoFirstAdmin if there is no successor */
  of(leaver: Leaver, step: Step): Successor {
    const named = step.resolved.to;
    if (named && this.active.has(`${leaver.accountId} ${named}`)) return { userId: named };
    const firstAdmin = this.firstAdmins.get(leaver.accountId);
    if (!firstAdmin) throw new NoFirstAdmin(`no successor in account ${leaver.accountId}`);
    return named ? { userId: firstAdmin, warning: 'successor-has-left' } : { userId: firstAdmin };
  }
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

const selectFirstAdmins = (accountIds: readonly string[], leaving: readonly string[]): Sql => sql`
  select a.id as account_id, d.user_id from unnest(${[...accountIds]}::uuid[]) as a (id) cross join lateral (
    select user_id from directory
    where account_id = a.id and is_manager and status = 'active' and user_id <> all(${[...leaving]}::uuid[])
    order by user_created_at, user_id limit 1) d`;
