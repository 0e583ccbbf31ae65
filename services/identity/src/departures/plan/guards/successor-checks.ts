import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type NamedSuccessors } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';
import { isManager, teamsIn, usersIn } from '../../../policy/successor-choices.js';
import type { UserRow } from '../../../user/user-rows.js';

interface Leaver {
  user: Pick<UserRow, 'id' | 'manager_id'>;
  successors: NamedSuccessors;
}

/** Who can take over. */
export interface Candidates {
  /** The active ones of the named users. */
  active: ReadonlySet<string>;
  /** The active members of each named team; no entry for a team that the account does not have. */
  members: ReadonlyMap<string, readonly string[]>;
}

/** Checks whether those can take over whom requests name as successors. */
@Injectable()
export class SuccessorChecks {
  constructor(private readonly em: EntityManager) {}

  /**
   * Locks the named successors, so that they cannot leave before the transaction ends.
   * @throws Problem `invalid-successor` with the ids of those who cannot take over
   */
  async lock(accountId: string, leaver: Leaver): Promise<void> {
    assertMaySucceed(leaver, await this.lockCandidates(accountId, [leaver]), [leaver.user.id]);
  }

  /**
   * Like `lock`, without a lock, for a preview.
   * @throws Problem `invalid-successor`
   */
  async check(accountId: string, leaver: Leaver): Promise<void> {
    assertMaySucceed(leaver, await this.candidates(accountId, [leaver]), [leaver.user.id]);
  }

  candidates(accountId: string, leavers: readonly Leaver[]): Promise<Candidates> {
    return this.find(accountId, leavers, sql``);
  }

  /** The same, locked so that they cannot leave before the transaction ends. */
  lockCandidates(accountId: string, leavers: readonly Leaver[]): Promise<Candidates> {
    return this.find(accountId, leavers, sql`for key share of u`);
  }

  /** An active member of each team who does not leave. */
  async oneOfEach(teamIds: readonly string[], leaving: readonly string[]): Promise<Map<string, string>> {
    if (teamIds.length === 0) return new Map();
    const { rows } = await sql<{ team_id: string; user_id: string }>`
      select distinct on (m.team_id) m.team_id, m.user_id from team_member m join users u on u.id = m.user_id
      where m.team_id = any(${[...new Set(teamIds)]}::uuid[]) and u.status = 'active' and u.id <> all(${[...leaving]}::uuid[])
      order by m.team_id, m.user_id`.execute(this.em.getKysely());
    return new Map(rows.map((row) => [row.team_id, row.user_id]));
  }

  private async find(accountId: string, leavers: readonly Leaver[], lock: RawBuilder<unknown>): Promise<Candidates> {
    const named = [
      ...new Set(leavers.flatMap(({ user, successors }) => usersIn(Object.values(successors), user.manager_id))),
    ];
    const teams = [...new Set(leavers.flatMap(({ successors }) => teamsIn(Object.values(successors))))];
    if (named.length + teams.length === 0) return { active: new Set(), members: new Map() };
    const members = teams.length > 0 ? await this.membersOf(accountId, teams) : new Map<string, string[]>();
    const { rows } = await sql<{ id: string }>`
      select u.id from users u
      where u.account_id = ${accountId} and u.id = any(${[...named, ...[...members.values()].flat()]}::uuid[])
        and u.status = 'active' order by u.id ${lock}`.execute(this.em.getKysely());
    const active = new Set(rows.map((row) => row.id));
    const activeMembers = [...members].map(([team, ids]): [string, string[]] => [
      team,
      ids.filter((id) => active.has(id)),
    ]);
    return { active, members: new Map(activeMembers) };
  }

  private async membersOf(accountId: string, teamIds: readonly string[]): Promise<Map<string, string[]>> {
    const { rows } = await sql<{ id: string; members: string[] }>`
      select t.id, array(select m.user_id::uuid from team_member m where m.team_id = t.id) as members from team t
      where t.account_id = ${accountId} and t.id = any(${[...teamIds]}::uuid[])`.execute(this.em.getKysely());
    return new Map(rows.map((row) => [row.id, row.members]));
  }
}

/**
 * @param leavers all users who leave with the request
 * @throws Problem `invalid-successor` with the ids of those who cannot take over, and what to do about it
 */
export function assertMaySucceed(
  { user, successors }: Leaver,
  { active, members }: Candidates,
  leavers: Iterable<string>,
): void {
  const leaving = new Set(leavers);
  const isFit = (id: string) => active.has(id) && !leaving.has(id);
  const choices = Object.values(successors);
  const teams = [...new Set(teamsIn(choices))];
  refuse(
    'There is no such team in this account.',
    teams.filter((id) => !members.has(id)),
  );
  refuse(
    'The team has no active member who could take over. Add one, or name another successor.',
    teams.filter((id) => !members.get(id)?.some(isFit)),
  );
  const users = usersIn(
    choices.filter((choice) => !isManager(choice)),
    null,
  );
  refuse(
    'Name active users of this account, not the leaver.',
    [...new Set(users)].filter((id) => !isFit(id)),
  );
  if (!choices.some(isManager)) return;
  if (user.manager_id === null)
    refuse('The user has no manager. Set `managerId` of the user, or name another successor.', [user.id]);
  else if (!isFit(user.manager_id))
    refuse(
      'The manager of the user is not active, or leaves, too. Set another `managerId`, or name another successor.',
      [user.manager_id],
    );
}

function refuse(detail: string, items: readonly string[]): void {
  if (items.length > 0) throw new Problem('invalid-successor', { detail, items: [...items] });
}
