import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Role } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { recordTeamChange } from './team-changes.js';

/** Sets a user's roles and teams. */
@Injectable()
export class Memberships {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws Problem `validation` if `roles` is empty */
  async setRoles(userId: string, roles: readonly Role[]): Promise<void> {
    if (roles.length === 0) {
      throw new Problem('validation', {
        errors: [{ field: 'roles', message: 'roles must contain at least one role' }],
      });
    }
    const db = this.em.getKysely();
    await sql`delete from user_role where user_id = ${userId} and role <> all(${roles}::text[])`.execute(db);
    await sql`
      insert into user_role (id, user_id, role) select * from unnest(${roles.map(() => this.ids.next())}::uuid[],
        ${roles.map(() => userId)}::uuid[], ${roles}::text[]) on conflict do nothing`.execute(db);
  }

  /** @throws Problem `unknown-reference` with the ids of teams that the account does not have */
  async setTeams(accountId: string, userId: string, teamIds: readonly string[]): Promise<void> {
    const db = this.em.getKysely();
    const { rows } = await sql<{ id: string }>`
      select id from team where account_id = ${accountId} and id = any(${teamIds}::uuid[]) order by id for key share`.execute(
      db,
    );
    const known = new Set(rows.map((row) => row.id));
    const unknown = teamIds.filter((id) => !known.has(id));
    if (unknown.length > 0)
      throw new Problem('unknown-reference', { detail: 'Name teams of this account.', items: unknown });
    const left = await sql<{ team_id: string }>`
      delete from team_member where user_id = ${userId} and team_id <> all(${teamIds}::uuid[]) returning team_id`.execute(
      db,
    );
    const joined = await sql<{ team_id: string }>`
      insert into team_member (id, team_id, user_id) select * from unnest(${teamIds.map(() => this.ids.next())}::uuid[],
        ${teamIds}::uuid[], ${teamIds.map(() => userId)}::uuid[]) on conflict do nothing returning team_id`.execute(db);
    const changed = [...left.rows, ...joined.rows].map((row) => row.team_id);
    if (changed.length > 0) await recordTeamChange(this.em, sql`select unnest(${changed}::uuid[])`, this.clock.now());
  }

  /**
   * Adds people to a team and takes others out.
   * @returns those for whom something has changed
   */
  async changeTeam(
    teamId: string,
    { add, remove }: { add: readonly string[]; remove: readonly string[] },
  ): Promise<{ added: string[]; removed: string[] }> {
    const db = this.em.getKysely();
    const added = await sql<{ user_id: string }>`
      insert into team_member (id, team_id, user_id)
      select id, ${teamId}::uuid, user_id from unnest(${add.map(() => this.ids.next())}::uuid[], ${[...add]}::uuid[]) as n (id, user_id)
      on conflict do nothing returning user_id`.execute(db);
    const removed = await sql<{ user_id: string }>`
      delete from team_member where team_id = ${teamId} and user_id = any(${[...remove]}::uuid[]) returning user_id`.execute(
      db,
    );
    return { added: added.rows.map((row) => row.user_id), removed: removed.rows.map((row) => row.user_id) };
  }

  /** Call it once the users are locked: it locks the team. */
  async recordTeamChange(teamId: string): Promise<void> {
    await recordTeamChange(this.em, sql`${teamId}::uuid`, this.clock.now());
  }
}
