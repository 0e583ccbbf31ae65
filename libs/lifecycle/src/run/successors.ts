import type { UserStatus } from '#libs/contracts';
import { sql } from 'kysely';
import type { Db } from '../declare/where.js';
import { firstAdminOf, NoFirstAdmin, selectFirstAdmins } from '../inbox/first-admin.js';
import type { Step } from './rule-set.js';

interface Leaver {
  userId: string;
  accountId: string;
  steps: readonly Step[];
  /** The account's first admin according to the event. */
  firstAdminId?: string | null;
}

export interface Successor {
  userId: string;
  warning?: string;
}

/**
 * Who takes over. A named successor who has left since the decision is replaced by the first admin. The successors'
 * directory rows are locked, so that they cannot leave in between.
 */
export class Successors {
  private constructor(
    /** The statuses of possible successors, by account and user. */
    private readonly known: ReadonlyMap<string, UserStatus>,
    private readonly leaving: ReadonlySet<string>,
    /** According to the directory, by account. */
    readonly firstAdmins: ReadonlyMap<string, string>,
  ) {}

  static async load(db: Db, leavers: readonly Leaver[]): Promise<Successors> {
    const giving = leavers.filter((leaver) => leaver.steps.some((step) => step.action.needsSuccessor));
    if (giving.length === 0) return new Successors(new Map(), new Set(), new Map());
    const told = giving.flatMap(({ firstAdminId }) => firstAdminId ?? []);
    const named = [...giving.flatMap(({ steps }) => steps.flatMap((step) => step.resolved.to ?? [])), ...told];
    const leaving = leavers.map((leaver) => leaver.userId);
    const accounts = [...new Set(giving.map((leaver) => leaver.accountId))];
    // A user who leaves before the lock is granted no longer matches.
    const { rows: held } = await sql<KnownUser & { first: boolean }>`
      with first as (select array(select user_id from (${selectFirstAdmins(accounts, leaving)}) f) as ids)
      select user_id, account_id, status, user_id = any((select ids from first)::uuid[]) as first from directory
      where user_id = any(${[...new Set(named)]}::uuid[] || (select ids from first)::uuid[])
        and status in ('active', 'invited') and user_id <> all(${leaving}::uuid[])
      order by user_id for key share of directory`.execute(db);
    const ids = new Set(held.map((row) => row.user_id));
    const left = await usersWhoLeft(
      db,
      told.filter((id) => !ids.has(id)),
    );
    const first = held.filter((row) => row.first && row.status === 'active');
    return new Successors(
      new Map([...held, ...left].map((row) => [keyOf(row.account_id, row.user_id), row.status])),
      new Set(leaving),
      new Map(first.map((row) => [row.account_id, row.user_id])),
    );
  }

  /** @throws NoFirstAdmin if there is no successor; UnknownFirstAdmin */
  of(leaver: Leaver, step: Step): Successor {
    const named = step.resolved.to;
    if (named && this.statusOf(leaver.accountId, named) === 'active' && !this.isLeaving(named))
      return { userId: named };
    const firstAdmin = firstAdminOf(leaver, this);
    if (!firstAdmin) throw new NoFirstAdmin(`no successor in account ${leaver.accountId}`);
    return named ? { userId: firstAdmin, warning: 'successor-has-left' } : { userId: firstAdmin };
  }

  statusOf(accountId: string, userId: string): UserStatus | undefined {
    return this.known.get(keyOf(accountId, userId));
  }

  isLeaving(userId: string): boolean {
    return this.leaving.has(userId);
  }
}

interface KnownUser {
  user_id: string;
  account_id: string;
  status: UserStatus;
}

async function usersWhoLeft(db: Db, userIds: readonly string[]): Promise<KnownUser[]> {
  if (userIds.length === 0) return [];
  const { rows } = await sql<KnownUser>`
    select user_id, account_id, status from directory
    where user_id = any(${[...userIds]}::uuid[]) and status not in ('active', 'invited')`.execute(db);
  return rows;
}

const keyOf = (accountId: string, userId: string): string => `${accountId} ${userId}`;
