import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type ListQuery, type Page, type Principal, type Team } from '#libs/contracts';
import { Clock, Directory, Ids, pageWindow, toPage } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { lockAccount } from '../common/account-lock.js';
import { actorOf, Audit } from '../audit/audit.js';
import { Actors } from '../user/actors.js';
import { requireNonBlank } from '../common/require-non-blank.js';
import { UserEvents } from '../user/user-events.js';
import { UserRows } from '../user/user-rows.js';
import { mapConstraintErrors } from '../common/constraint-errors.js';
import { recordTeamChange } from './team-changes.js';

const taken = { team_name: () => new Problem('conflict', { detail: 'Another team has this name.' }) };

@Injectable()
export class TeamService {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly users: UserRows,
    private readonly directory: Directory,
    private readonly events: UserEvents,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async page(accountId: string, query: ListQuery): Promise<Page<Team>> {
    const { limit, before } = pageWindow(query);
    const behind = before ? sql`and t.id < ${before}::uuid` : sql``;
    return toPage(
      await this.select(sql`t.account_id = ${accountId} ${behind} order by t.id desc limit ${limit + 1}`),
      query,
    );
  }

  /** @throws Problem `not-found`, also for a team of another account */
  async get(accountId: string, teamId: string): Promise<Team> {
    const [team] = await this.select(sql`t.account_id = ${accountId} and t.id = ${teamId}`);
    if (!team) throw new Problem('not-found', { detail: 'There is no such team.' });
    return team;
  }

  /** @throws Problem `conflict` if another team has the name */
  async create(principal: Principal, name: string): Promise<Team> {
    const { accountId } = principal;
    await this.actors.requireManager(principal);
    const id = this.ids.next();
    await mapConstraintErrors(taken, () =>
      sql`
        insert into team (id, account_id, name, created_at)
        values (${id}, ${accountId}, ${requireNonBlank('name', name)}, ${this.clock.now()})`.execute(this.db),
    );
    await this.record(principal, 'team.created', { teamId: id });
    return this.get(accountId, id);
  }

  /** @throws Problem `not-found` or `conflict` */
  async rename(principal: Principal, teamId: string, name: string): Promise<Team> {
    await this.actors.requireManager(principal);
    await this.lock(principal.accountId, teamId, sql`for no key update`);
    await mapConstraintErrors(taken, () =>
      sql`
        update team set name = ${requireNonBlank('name', name)}, updated_at = ${this.clock.now()}
        where id = ${teamId}`.execute(this.db),
    );
    await this.record(principal, 'team.renamed', { teamId });
    return this.get(principal.accountId, teamId);
  }

  async remove(principal: Principal, teamId: string): Promise<void> {
    // This locks the team before its members; deletions of users lock in the opposite order. Both lock the account
    // first.
    await lockAccount(this.em, principal.accountId);
    await this.actors.requireManager(principal);
    // Adding a member also locks the team, so no member is added between the next two statements.
    await this.lock(principal.accountId, teamId, sql`for update`);
    const { memberIds } = await this.get(principal.accountId, teamId);
    await sql`delete from team where id = ${teamId}`.execute(this.db);
    await this.events.publishChanged(memberIds);
    await this.record(principal, 'team.removed', { teamId });
  }

  /** @throws Problem `not-found` for the team, `unknown-user` or `inactive-user` for the member */
  async addMember(principal: Principal, teamId: string, userId: string): Promise<void> {
    await this.changeMembers(principal, teamId, { add: [userId], remove: [] });
  }

  /** @throws Problem `not-found` if the account does not have the team or the user */
  async removeMember(principal: Principal, teamId: string, userId: string): Promise<void> {
    await this.users.get(principal.accountId, userId);
    await this.changeMembers(principal, teamId, { add: [], remove: [userId] });
  }

  /**
   * Adds and removes members. Adding a member or removing a non-member has no effect.
   * @throws Problem `not-found` for the team, `unknown-user` or `inactive-user` for users to be added
   */
  async changeMembers(
    principal: Principal,
    teamId: string,
    { add, remove }: { add: readonly string[]; remove: readonly string[] },
  ): Promise<void> {
    await this.actors.requireManager(principal);
    await this.directory.requireActive(principal.accountId, add);
    await this.lock(principal.accountId, teamId, sql`for key share`);
    const added = await sql<{ user_id: string }>`
      insert into team_member (id, team_id, user_id)
      select id, ${teamId}::uuid, user_id from unnest(${add.map(() => this.ids.next())}::uuid[], ${[...add]}::uuid[]) as n (id, user_id)
      on conflict do nothing returning user_id`.execute(this.db);
    const removed = await sql<{ user_id: string }>`
      delete from team_member where team_id = ${teamId} and user_id = any(${[...remove]}::uuid[]) returning user_id`.execute(
      this.db,
    );
    const changed = [...added.rows, ...removed.rows];
    if (changed.length === 0) return;
    await this.events.publishChanged(changed.map((row) => row.user_id));
    await recordTeamChange(this.em, sql`${teamId}::uuid`, this.clock.now());
    const by = { accountId: principal.accountId, ...actorOf(principal), detail: { teamId } };
    await this.audit.append([
      ...added.rows.map((row) => ({ ...by, action: 'team.member-added', subjectId: row.user_id })),
      ...removed.rows.map((row) => ({ ...by, action: 'team.member-removed', subjectId: row.user_id })),
    ]);
  }

  private async lock(accountId: string, teamId: string, strength: RawBuilder<unknown>): Promise<void> {
    const { rows } = await sql`
      select id from team where account_id = ${accountId} and id = ${teamId} ${strength}`.execute(this.db);
    if (rows.length === 0) throw new Problem('not-found', { detail: 'There is no such team.' });
  }

  private record(principal: Principal, action: string, detail: Record<string, unknown>): Promise<void> {
    return this.audit.append([{ accountId: principal.accountId, action, ...actorOf(principal), detail }]);
  }

  private async select(where: RawBuilder<unknown>): Promise<Team[]> {
    const { rows } = await sql<Team>`
      select t.id, t.name, array(select m.user_id::uuid from team_member m where m.team_id = t.id order by m.user_id) as "memberIds"
      from team t where ${where}`.execute(this.db);
    return rows;
  }

  private get db() {
    return this.em.getKysely();
  }
}
