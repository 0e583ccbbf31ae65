import { MOST_RECEIVERS, type TeamWay, type UserStatus } from '#libs/contracts';
import { sql } from 'kysely';
import type { Db } from '../declare/where.js';
import { firstAdminOf, NoFirstAdmin, selectFirstAdmins } from '../inbox/first-admin.js';
import type { Sql } from '../sql/relation.js';
import type { Step } from './rule-set.js';

interface Leaver {
  userId: string;
  accountId: string;
  steps: readonly Step[];
  /** Whether the user stays active, and so can be a successor of others. */
  stays?: boolean;
  /** The account's first admin according to the event. */
  firstAdminId?: string | null;
}

export interface Successor {
  userId: string;
  warning?: string;
}

/** The users who share the rows of a step. */
export interface Team {
  by: TeamWay;
  /** At least one. */
  memberIds: readonly string[];
  warning?: string;
}

/**
 * Who takes over. A named successor who has left since the decision, or a team all of whose members have,
 * is replaced by the first admin. The successors'
 * directory rows are locked, so that they cannot leave in between.
 */
export class Successors {
  private constructor(
    /** The statuses of possible successors, by account and user. */
    private readonly known: ReadonlyMap<string, UserStatus>,
    private readonly leaving: ReadonlySet<string>,
    /** According to the directory, by account. */
    readonly firstAdmins: ReadonlyMap<string, string>,
    /** The active members of teams, by account and team, in id order. */
    private readonly members: ReadonlyMap<string, readonly string[]>,
  ) {}

  static async load(db: Db, leavers: readonly Leaver[]): Promise<Successors> {
    const giving = leavers.filter((leaver) => leaver.steps.some((step) => step.action.needsSuccessor));
    if (giving.length === 0) return new Successors(new Map(), new Set(), new Map(), new Map());
    const told = giving.flatMap(({ firstAdminId }) => firstAdminId ?? []);
    const named = [...giving.flatMap(({ steps }) => steps.flatMap((step) => step.resolved.to ?? [])), ...told];
    const teams = giving.flatMap(({ steps }) => steps.flatMap((step) => step.resolved.team?.id ?? []));
    const all = leavers.map((leaver) => leaver.userId);
    const leaving = leavers.filter(({ stays }) => !stays).map((leaver) => leaver.userId);
    const accounts = [...new Set(giving.map((leaver) => leaver.accountId))];
    // A user who leaves before the lock is granted no longer matches.
    const { rows: held } = await sql<KnownUser & { first: boolean; team_ids: string[] }>`
      with first as (select array(select user_id from (${selectFirstAdmins(accounts, all)}) f) as ids)
      select user_id, account_id, status, team_ids, user_id = any((select ids from first)::uuid[]) as first from directory
      where (user_id = any(${[...new Set(named)]}::uuid[] || (select ids from first)::uuid[]) ${orMembers(accounts, teams)})
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
      membersOf(held),
    );
  }

  /** @throws NoFirstAdmin if there is no successor; UnknownFirstAdmin */
  of(leaver: Leaver, step: Step): Successor {
    const { to: named, team } = step.resolved;
    if (named && this.statusOf(leaver.accountId, named) === 'active' && !this.isLeaving(named))
      return { userId: named };
    const firstAdmin = firstAdminOf(leaver, this);
    if (!firstAdmin) throw new NoFirstAdmin(`no successor in account ${leaver.accountId}`);
    return named || team ? { userId: firstAdmin, warning: 'successor-has-left' } : { userId: firstAdmin };
  }

  /**
   * The members of the team that the step names; undefined if it names none. A directory that is behind may know no member
   * yet: then it is the one whom the event names.
   * @throws NoFirstAdmin, UnknownFirstAdmin
   */
  teamOf(leaver: Leaver, step: Step): Team | undefined {
    const { team } = step.resolved;
    if (!team || !step.action.needsSuccessor) return undefined;
    const memberIds = this.members.get(keyOf(leaver.accountId, team.id));
    if (memberIds) return { by: team.by, memberIds };
    const { userId, warning } = this.of(leaver, step);
    return { by: team.by, memberIds: [userId], ...(warning && { warning }) };
  }

  statusOf(accountId: string, userId: string): UserStatus | undefined {
    return this.known.get(keyOf(accountId, userId));
  }

  isLeaving(userId: string): boolean {
    return this.leaving.has(userId);
  }
}

/** The accounts are named for identity, where `directory` is a view without an index on teams. */
const orMembers = (accounts: readonly string[], teams: readonly string[]): Sql =>
  teams.length === 0
    ? sql``
    : sql`or account_id = any(${[...accounts]}::uuid[]) and team_ids && ${[...new Set(teams)]}::uuid[]`;

function membersOf(users: readonly (KnownUser & { team_ids: string[] })[]): Map<string, string[]> {
  const active = users.filter(({ status }) => status === 'active');
  const memberships = active.flatMap((user) =>
    user.team_ids.map((teamId) => [keyOf(user.account_id, teamId), user.user_id] as const),
  );
  return new Map(
    [...Map.groupBy(memberships, ([team]) => team)].map(([team, own]) => [
      team,
      own.slice(0, MOST_RECEIVERS).map(([, id]) => id),
    ]),
  );
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
