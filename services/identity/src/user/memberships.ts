import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Role } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { recordTeamChange } from '../team/team-changes.js';

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
}
