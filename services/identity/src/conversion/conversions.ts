import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  inboxes,
  Problem,
  type ConversionRequest,
  type Departure,
  type PreviewLine,
  type Principal,
} from '#libs/contracts';
import { ServiceClient } from '#libs/broker';
import { Ids } from '#libs/database';
import { sql } from 'kysely';
import { lockAccount } from '../account/account-lock.js';
import { Audit } from '../audit/audit.js';
import { Decisions } from '../departures/decisions.js';
import { DepartureRows } from '../departures/departure-rows.js';
import { Guards } from '../departures/guards.js';
import { Overtaken } from '../departures/overtaken.js';
import { Planner, type Plan } from '../departures/planner.js';
import { Refusals } from '../departures/refusals.js';
import { RuleOwners } from '../departures/rule-owners.js';
import { Catalogue } from '../policy/catalogue.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { tidy } from '../user/tidy.js';
import { UserRows } from '../user/user-rows.js';

/** Deletes a user whose number and threads go on as a shared inbox. */
@Injectable()
export class Conversions {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly planner: Planner,
    private readonly owners: RuleOwners,
    private readonly guards: Guards,
    private readonly refusals: Refusals,
    private readonly decisions: Decisions,
    private readonly departures: DepartureRows,
    private readonly catalogue: Catalogue,
    private readonly services: ServiceClient,
    private readonly audit: Audit,
    private readonly ids: Ids,
  ) {}

  /**
   * Somebody without a number or without threads becomes an inbox as well: an empty one.
   * @throws Problem with the code of the first guard that refuses, `validation`, `unknown-user` or `inactive-user` for members
   */
  async convert(principal: Principal, userId: string, request: ConversionRequest): Promise<Departure> {
    const { accountId, userId: requestedBy } = principal;
    const { memberIds } = request;
    const name = tidy('name', request.name);
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    if (memberIds.includes(userId)) {
      const message = 'memberIds must not name the user who leaves';
      throw new Problem('validation', { errors: [{ field: 'memberIds', message }] });
    }
    // Other services are asked before anything is locked.
    const foreseen = await this.planner.plan(accountId, userId, 'deleted');
    const blocked = await this.blocking(foreseen);
    const inboxId = (await this.personalInbox(principal, userId)) ?? this.ids.next();
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const plan = await this.planner.plan(accountId, userId, 'deleted');
    if (JSON.stringify(plan.rules) !== JSON.stringify(foreseen.rules)) throw new Overtaken();
    await this.refusals.telling(principal, plan, () => this.guards.pass(plan, blocked));
    await this.holdMembers(accountId, memberIds);
    assertMayManage(await this.actors.rolesOf(principal), plan.user.roles);
    const { preset, version } = plan.policy;
    const policy = { preset, version, rules: plan.rules };
    const conversion = { inboxId, name, memberIds };
    const [id] = await this.decisions.carryOut('deleted', [{ user: plan.user, policy, conversion }], requestedBy);
    await this.audit.append([{ accountId, action: 'user.converted', actorId: requestedBy, subjectId: userId }]);
    return this.departures.view(accountId, id!);
  }

  /** The leaver's own numbers stand in nobody's way: they stay in use. */
  private async blocking(plan: Plan): Promise<PreviewLine[]> {
    return (await this.owners.blocking(plan)).filter((line) => line.rule !== 'telephony.numbers');
  }

  /** The inbox that messages to and from the person are in: the oldest of their own, as messaging has it. */
  private async personalInbox(principal: Principal, ownerId: string): Promise<string | undefined> {
    if (!(await this.catalogue.otherServices()).includes(inboxes.list.service)) return undefined;
    const { items } = await this.services.call(inboxes.list, { principal, query: { ownerId, limit: 200 } });
    return items.at(-1)?.id;
  }

  /** @throws Problem `unknown-user` or `inactive-user`, naming them */
  private async holdMembers(accountId: string, memberIds: readonly string[]): Promise<void> {
    const active = await this.guards.holdActive(accountId, memberIds);
    const others = memberIds.filter((id) => !active.has(id));
    if (others.length === 0) return;
    const { rows } = await sql<{ id: string }>`
      select id from users where account_id = ${accountId} and id = any(${others}::uuid[])`.execute(
      this.em.getKysely(),
    );
    const known = new Set(rows.map((row) => row.id));
    const unknown = others.filter((id) => !known.has(id));
    if (unknown.length > 0)
      throw new Problem('unknown-user', { detail: 'Name users of this account.', items: unknown });
    throw new Problem('inactive-user', { detail: 'Name active users.', items: others });
  }
}
