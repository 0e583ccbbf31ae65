import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  Problem,
  type Conversion,
  type Departure,
  type DepartureQuery,
  type DepartureService,
  type DepartureStatus,
  type DepartureTransition,
  type Page,
  type ProblemCode,
  type ReceiptLine,
  type ResolvedPolicy,
  type Restore,
  type Transition,
  type UserEvent,
} from '#libs/contracts';
import { Clock, namesOf, pageWindow, relationOf, toPage } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { isoOf, isoOrNull } from '../../moments.js';
import { Notifications } from '../track/notifications.js';
import { Progress } from './progress.js';
import type { ServiceState } from './receipt-lines.js';

export interface DepartureRow {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  status: DepartureStatus;
  requested_by: string | null;
  requested_at: string;
  effective_at: string;
  completed_at: string | null;
  reason: string | null;
  begun_at: string | null;
  return_at: string | null;
  returns_from: string | null;
  error: ProblemCode | null;
  error_detail: string | null;
  /** This and what follows is decided when the departure begins; before, it is null. */
  steps: Transition[];
  active_since: number;
  was_manager: boolean;
  policy: ResolvedPolicy;
  /** What whoever asked wanted beside the policy; of a reactivation, what is to be brought back. */
  wishes: { restore?: Restore };
  lifecycle_version: number;
  seq: number;
  /** Only of a deletion that is not complete. */
  address_digest: string | null;
  /** Only of somebody who becomes a shared inbox. */
  conversion: Conversion | null;
  round: number;
  total: number;
  done: number;
}

const DECIDED = {
  id: 'uuid',
  account_id: 'uuid',
  user_id: 'uuid',
  reason: 'text',
  active_since: 'bigint',
  was_manager: 'boolean',
  policy: 'jsonb',
  wishes: 'jsonb',
  address_digest: 'text',
  conversion: 'jsonb',
  lifecycle_version: 'bigint',
  seq: 'bigint',
};

/** Writes and reads departures. */
@Injectable()
export class DepartureRows {
  constructor(
    private readonly em: EntityManager,
    private readonly progress: Progress,
    private readonly news: Notifications,
    private readonly clock: Clock,
  ) {}

  /** Puts down what has been decided: a departure an event, waiting for all these services. A scheduled one begins. */
  async insert(
    transition: DepartureTransition,
    events: readonly UserEvent[],
    services: readonly string[],
    { requestedBy, reasons }: { requestedBy: string | null; reasons: ReadonlyMap<string, string | null> },
  ): Promise<void> {
    const now = this.clock.now();
    const rows = events.map(({ data: { accountId, userId, lifecycleVersion, seq, departure } }) => ({
      id: departure!.id,
      account_id: accountId,
      user_id: userId,
      reason: reasons.get(userId) ?? null,
      step_names: `{${departure!.steps.join()}}`,
      active_since: departure!.activeSince,
      was_manager: departure!.wasManager,
      policy: departure!.policy,
      wishes: departure!.restore ? { restore: departure!.restore } : {},
      address_digest: departure!.addressDigest ?? null,
      conversion: departure!.conversion ?? null,
      lifecycle_version: lifecycleVersion,
      seq,
    }));
    await sql`
      insert into departure (${namesOf(DECIDED)}, steps, transition, status, requested_by, requested_at, effective_at, begun_at, total)
      select ${namesOf(DECIDED)}, n.step_names::text[], ${transition}, 'running', ${requestedBy}::uuid, ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz,
        ${services.length}::int
      from ${relationOf('n', rows, { ...DECIDED, step_names: 'text' })}
      on conflict (id) do update set status = 'running', begun_at = excluded.begun_at, total = excluded.total, steps = excluded.steps,
        active_since = excluded.active_since, address_digest = excluded.address_digest, was_manager = excluded.was_manager, policy = excluded.policy,
        lifecycle_version = excluded.lifecycle_version, seq = excluded.seq`.execute(this.db);
    await sql`
      insert into departure_service (departure_id, service, status, updated_at)
      select d, s, 'pending', ${now}::timestamptz
      from unnest(${rows.map((row) => row.id)}::uuid[]) d cross join unnest(${[...services]}::text[]) s`.execute(
      this.db,
    );
    await this.news.record(
      'departure.started',
      rows.map((row) => row.id),
    );
  }

  /** Departures of these people that are not over come to no other end: something newer has been decided. */
  async supersede(userIds: readonly string[]): Promise<void> {
    // By person: while many leave, PostgreSQL would read the index of open departures from end to end for each few of them.
    const { rows } = await sql<{ id: string; done: number; total: number }>`
      update departure d set status = 'superseded'
      from (select id from departure
        where id = any(array(select id from departure where user_id = any(${[...userIds]}::uuid[]) offset 0))
          and status in ('running', 'failed')
        order by id for no key update) open
      where d.id = open.id returning d.id, d.done, d.total`.execute(this.db);
    const ids = rows.map((row) => row.id);
    await sql`
      update departure_service set status = 'superseded', updated_at = ${this.clock.now()}
      where departure_id = any(${ids}::uuid[]) and status in ('pending', 'running', 'failed')`.execute(this.db);
    await this.progress.record(
      rows.map(({ id, done, total }) => ({
        departureId: id,
        type: 'departure',
        data: { id, status: 'superseded', progress: { done, total } },
      })),
    );
  }

  /** @throws Problem `not-found`, for another account's departure, too */
  async get(accountId: string, id: string, lock = false): Promise<DepartureRow> {
    const [row] = await this.select(
      sql`d.account_id = ${accountId} and d.id = ${id} ${lock ? sql`for no key update` : sql``}`,
    );
    if (!row) throw new Problem('not-found', { detail: 'There is no such departure.' });
    return row;
  }

  /** Of those who have left: the departures, locked, in which this service has no part. */
  async without(service: string, accountId: string, limit: number): Promise<DepartureRow[]> {
    return this.select(sql`
      d.account_id = ${accountId} and d.status in ('running', 'completed', 'failed')
      and exists (select from users u where u.id = d.user_id and u.lifecycle_version = d.lifecycle_version
        and u.status in ('deactivated', 'deleted'))
      and not exists (select from departure_service s where s.departure_id = d.id and s.service = ${service})
      order by d.id limit ${limit} for no key update of d`);
  }

  /** The newest decision about each person that this service has answered since then: departures and returns, locked. */
  async answeredSince(
    service: string,
    { accountId, since, after, limit }: { accountId: string; since: string; after: string | null; limit: number },
  ): Promise<DepartureRow[]> {
    return this.select(sql`
      d.account_id = ${accountId} and (${after}::uuid is null or d.id > ${after}::uuid)
      and d.status in ('running', 'completed', 'failed')
      and exists (select from users u where u.id = d.user_id and u.lifecycle_version = d.lifecycle_version)
      and exists (select from departure_service s where s.departure_id = d.id and s.service = ${service}
        and s.status in ('completed', 'failed') and s.updated_at >= ${since}::timestamptz)
      order by d.id limit ${limit} for no key update of d`);
  }

  async view(accountId: string, id: string): Promise<Departure> {
    const [view] = await this.views([await this.get(accountId, id)]);
    return view!;
  }

  async page(accountId: string, query: DepartureQuery): Promise<Page<Departure>> {
    const { limit, before } = pageWindow(query);
    const conditions = [sql`d.account_id = ${accountId}`];
    if (before) conditions.push(sql`d.id < ${before}::uuid`);
    if (query.userId) conditions.push(sql`d.user_id = ${query.userId}`);
    if (query.status) conditions.push(sql`d.status = ${query.status}`);
    const rows = await this.select(sql`${sql.join(conditions, sql` and `)} order by d.id desc limit ${limit + 1}`);
    return toPage(await this.views(rows), query);
  }

  async services(ids: readonly string[]): Promise<ServiceState[]> {
    if (ids.length === 0) return [];
    const { rows } = await sql<ServiceState>`
      select departure_id, service, status, error, round, rules from departure_service
      where departure_id = any(${[...ids]}::uuid[]) order by departure_id, service <> 'identity', service`.execute(
      this.db,
    );
    return rows;
  }

  private async views(rows: readonly DepartureRow[]): Promise<Departure[]> {
    const states = Map.groupBy(await this.services(rows.map((row) => row.id)), (state) => state.departure_id);
    return rows.map((row) => toDeparture(row, states.get(row.id) ?? []));
  }

  private async select(where: RawBuilder<unknown>): Promise<DepartureRow[]> {
    const { rows } = await sql<DepartureRow>`
      select d.id, d.account_id, d.user_id, d.transition, d.status, d.requested_by, d.requested_at, d.effective_at,
        d.completed_at, d.reason, d.begun_at, d.return_at, d.returns_from, d.error, d.error_detail, d.steps, d.active_since::float8, d.was_manager, d.policy, d.wishes, d.lifecycle_version::float8,
        d.seq::float8, d.address_digest, d.conversion, d.round, d.total, d.done
      from departure d where ${where}`.execute(this.db);
    return rows;
  }

  private get db() {
    return this.em.getKysely();
  }
}

function toDeparture(row: DepartureRow, states: readonly ServiceState[]): Departure {
  return {
    id: row.id,
    userId: row.user_id,
    transition: row.transition,
    status: row.status,
    requestedBy: row.requested_by,
    requestedAt: isoOf(row.requested_at),
    effectiveAt: isoOf(row.effective_at),
    completedAt: isoOrNull(row.completed_at),
    reason: row.reason,
    ...(row.return_at && { returnAt: isoOf(row.return_at) }),
    ...(row.returns_from && { returnsFrom: row.returns_from }),
    ...(row.conversion && { inboxId: row.conversion.inboxId }),
    ...(row.error && { error: row.error, errorDetail: row.error_detail ?? undefined }),
    progress: { done: row.done, total: row.total },
    services: states.map((state) => toService(state, row.status === 'completed')),
  };
}

const toService = ({ service, status, error, rules }: ServiceState, proven: boolean): DepartureService => ({
  service,
  status,
  ...(error && { error }),
  rules: proven ? rules.map(withNothingLeft) : rules,
});

/** A departure is completed when nothing remains: no need to write that into a hundred lines. */
const withNothingLeft = (line: ReceiptLine): ReceiptLine => ({
  ...line,
  remaining: line.remaining ?? (line.finishedAt ? 0 : null),
});
