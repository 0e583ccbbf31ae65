import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { MEMBERS_LISTED, type PreviewedSuccessor } from '#libs/contracts';
import { Directory } from '#libs/database';
import { sql } from 'kysely';
import { isManager, isTeam, resolvedSuccessor, teamsIn, usersIn } from '../../../policy/successor-choices.js';
import type { Plan } from '../planner.js';

interface Team {
  id: string;
  name: string;
  members: string[];
}

/** Shows for whom the successors of a request stand. */
@Injectable()
export class PreviewedSuccessors {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
  ) {}

  async of({ user, successors }: Pick<Plan, 'user' | 'successors'>): Promise<PreviewedSuccessor[]> {
    const choices = Object.values(successors);
    if (choices.length === 0) return [];
    const teams = await this.teams(teamsIn(choices), user.id);
    const listed = [...teams.values()].flatMap(({ members }) => members.slice(0, MEMBERS_LISTED));
    const views = await this.directory.views([...usersIn(choices, user.manager_id), ...listed]);
    const viewsOf = (ids: readonly string[]) => ids.flatMap((id) => views.get(id) ?? []);
    return Object.entries(successors).map(([rule, choice]): PreviewedSuccessor => {
      if (!isTeam(choice)) {
        const { to } = resolvedSuccessor(choice, user.manager_id);
        return { rule, kind: isManager(choice) ? 'manager' : 'user', users: viewsOf([to!]), total: 1 };
      }
      const { id, name, members } = teams.get(choice.teamId)!;
      const users = viewsOf(members.slice(0, MEMBERS_LISTED));
      const by = choice.by ?? 'round-robin';
      return { rule, kind: 'team', teamId: id, teamName: name, by, users, total: members.length };
    });
  }

  /** The teams with their active members, without the leaver. */
  private async teams(ids: readonly string[], leaverId: string): Promise<Map<string, Team>> {
    if (ids.length === 0) return new Map();
    const { rows } = await sql<Team>`
      select t.id, t.name, array(
        select u.id::uuid from team_member m join users u on u.id = m.user_id
        where m.team_id = t.id and u.status = 'active' and u.id <> ${leaverId} order by u.id) as members
      from team t where t.id = any(${[...ids]}::uuid[])`.execute(this.em.getKysely());
    return new Map(rows.map((team) => [team.id, team]));
  }
}
