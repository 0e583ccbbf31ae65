import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Principal } from '#libs/contracts';
import { Directory } from '#libs/database';
import { sql } from 'kysely';
import { actorOf, Audit } from '../audit/audit.js';
import { Actors } from '../user/actors.js';
import { Memberships } from '../user/memberships.js';
import { UserEvents } from '../user/user-events.js';
import { UserRows } from '../user/user-rows.js';
import { lockTeam } from './team-lock.js';

/** Adds members to teams and removes them. */
@Injectable()
export class TeamMembers {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly users: UserRows,
    private readonly directory: Directory,
    private readonly memberships: Memberships,
    private readonly events: UserEvents,
    private readonly audit: Audit,
  ) {}

  /** @throws Problem `not-found` for the team, `unknown-user` or `inactive-user` for the member */
  async add(principal: Principal, teamId: string, userId: string): Promise<void> {
    await this.change(principal, teamId, { add: [userId], remove: [] });
  }

  /** @throws Problem `not-found` if the account does not have the team or the user */
  async remove(principal: Principal, teamId: string, userId: string): Promise<void> {
    await this.users.get(principal.accountId, userId);
    await this.change(principal, teamId, { add: [], remove: [userId] });
  }

  /**
   * Adds and removes members. Adding a member or removing a non-member has no effect.
   * @throws Problem `not-found` for the team, `unknown-user` or `inactive-user` for users to be added
   */
  async change(
    principal: Principal,
    teamId: string,
    { add, remove }: { add: readonly string[]; remove: readonly string[] },
  ): Promise<void> {
    await this.actors.requireManager(principal);
    await this.directory.requireActive(principal.accountId, add);
    await lockTeam(this.em, principal.accountId, teamId, sql`for key share`);
    const { added, removed } = await this.memberships.changeTeam(teamId, { add, remove });
    if (added.length + removed.length === 0) return;
    await this.events.publishChanged([...added, ...removed]);
    await this.memberships.recordTeamChange(teamId);
    const by = { accountId: principal.accountId, ...actorOf(principal), detail: { teamId } };
    await this.audit.append([
      ...added.map((subjectId) => ({ ...by, action: 'team.member-added', subjectId })),
      ...removed.map((subjectId) => ({ ...by, action: 'team.member-removed', subjectId })),
    ]);
  }
}
