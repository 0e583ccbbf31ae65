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
import { PREPARE_AGAIN, ServiceClient, type PrepareAgain } from '#libs/broker';
import { Ids } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../../audit/audit.js';
import { Preflight, resolvedPolicy, type Prepared } from '../../plan/preflight.js';
import { Decisions } from '../decisions.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import { Guards } from '../../plan/guards.js';
import { Catalogue } from '../../../catalogue/catalogue.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { requireNonBlank } from '../../../common/require-non-blank.js';
import { UserRows } from '../../../user/user-rows.js';

/** The leaver's numbers do not block a conversion, because they stay in use. */
const isBlocking = (line: PreviewLine): boolean => line.rule !== 'telephony.numbers';

export interface PreparedConversion {
  /** The leaver's personal inbox; undefined if there is none. */
  inboxId: string | undefined;
  prepared: Prepared;
}

/** Deletes a user and turns the user's number and threads into a shared inbox. */
@Injectable()
export class Conversions {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly preflight: Preflight,
    private readonly guards: Guards,
    private readonly decisions: Decisions,
    private readonly departures: DepartureQueries,
    private readonly catalogue: Catalogue,
    private readonly services: ServiceClient,
    private readonly audit: Audit,
    private readonly ids: Ids,
  ) {}

  /**
   * Asks the other services, before the transaction of `convert`.
   * @throws Problem `validation`, `not-found`, `forbidden`, `service-unavailable`
   */
  async prepare(principal: Principal, userId: string, request: ConversionRequest): Promise<PreparedConversion> {
    requireNonBlank('name', request.name);
    assertMayManage(principal.roles, (await this.users.get(principal.accountId, userId)).roles);
    if (request.memberIds.includes(userId)) {
      const message = 'memberIds must not name the user who leaves';
      throw new Problem('validation', { errors: [{ field: 'memberIds', message }] });
    }
    const inboxId = await this.personalInbox(principal, userId);
    const asked = { transition: 'deleted' as const, isBlocking };
    return { inboxId, prepared: await this.preflight.prepare(principal.accountId, userId, asked) };
  }

  /**
   * A user without number and threads becomes an empty inbox.
   * @throws Problem with the code of the first guard that refuses, `unknown-user` or `inactive-user` for members
   */
  async convert(
    principal: Principal,
    userId: string,
    request: ConversionRequest,
    { inboxId = this.ids.next(), prepared }: PreparedConversion,
  ): Promise<Departure | PrepareAgain> {
    const { accountId, userId: requestedBy } = principal;
    const { memberIds } = request;
    const name = requireNonBlank('name', request.name);
    const plan = await this.preflight.run(principal, userId, { transition: 'deleted' }, prepared);
    if (plan === PREPARE_AGAIN) return PREPARE_AGAIN;
    await this.lockMembers(accountId, memberIds);
    assertMayManage(await this.actors.rolesOf(principal), plan.user.roles);
    const conversion = { inboxId, name, memberIds };
    const decided = [{ user: plan.user, policy: resolvedPolicy(plan), conversion }];
    const [id] = await this.decisions.apply('deleted', decided, requestedBy);
    await this.audit.append([{ accountId, action: 'user.converted', actorId: requestedBy, subjectId: userId }]);
    return this.departures.view(accountId, id!);
  }

  /** The inbox with the user's messages: the oldest personal one, as in the messaging service. */
  private async personalInbox(principal: Principal, ownerId: string): Promise<string | undefined> {
    if (!(await this.catalogue.otherServices()).includes(inboxes.list.service)) return undefined;
    const { items } = await this.services.call(inboxes.list, { principal, query: { ownerId, limit: 200 } });
    return items.at(-1)?.id;
  }

  /** @throws Problem `unknown-user` or `inactive-user` with the ids */
  private async lockMembers(accountId: string, memberIds: readonly string[]): Promise<void> {
    const active = await this.guards.lockActive(accountId, memberIds);
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
