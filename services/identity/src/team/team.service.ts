import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type ListQuery, type Page, type Principal, type Team } from '#libs/contracts';
import { Clock, Ids, pageWindow, toPage } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { lockAccount } from '../common/account-lock.js';
import { actorOf, Audit } from '../audit/audit.js';
import { Actors } from '../user/actors.js';
import { requireNonBlank } from '../common/require-non-blank.js';
import { UserEvents } from '../user/user-events.js';
import { mapConstraintErrors } from '../common/constraint-errors.js';
import { lockTeam } from './team-lock.js';

const taken = { team_name: () => new Problem('conflict', { detail: 'Another team has this name.' }) };

/** Reads, creates, renames and removes teams. */
@Injectable()
export class TeamService {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
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
    await lockTeam(this.em, principal.accountId, teamId, sql`for no key update`);
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
    await lockTeam(this.em, principal.accountId, teamId, sql`for update`);
    const { memberIds } = await this.get(principal.accountId, teamId);
    await sql`delete from team where id = ${teamId}`.execute(this.db);
    await this.events.publishChanged(memberIds);
    await this.record(principal, 'team.removed', { teamId });
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
