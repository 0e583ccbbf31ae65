import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type DepartureStatus, type DepartureTransition, type Problem, type UserEvent } from '#libs/contracts';
import { Clock, namesOf, relationOf } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import type { Wishes } from './departure-row.js';
import { FormerIdentifiers } from '../../former-identifier/former-identifiers.js';
import type { Digests } from '../../former-identifier/leaver-digests.js';
import { ServiceStates } from './service-states.js';
import { CHANGE, TransitionLog, WITHOUT_TEXT, type Change, type Facts } from './transition-log.js';

export const SYSTEM = { system: 'departure' };

/** A scheduled departure. */
export interface ScheduledDeparture {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  /** Null for a deletion that the policy schedules, and for what an identity provider decides. */
  requested_by: string | null;
  /** ISO 8601. */
  effective_at: string;
  reason: string | null;
  wishes: Wishes;
  return_at: string | null;
  returns_from: string | null;
  /** Of a deletion that the policy schedules: the deactivation before it. */
  erases_from?: string;
  /** When the notice of such a deletion is due, in ISO 8601. */
  notice_at?: string;
}

/** What can be changed about a scheduled departure. Times in ISO 8601. */
export interface ScheduleFacts {
  effectiveAt: string;
  returnAt: string | null;
  reason: string | null;
}

/** A departure that is scheduled or waits for approval, and that the decision of another one ends. */
export interface CallOff {
  id: string;
  /** `superseded` if the user leaves in the same way now, `cancelled` if the decision contradicts it. */
  to: 'cancelled' | 'superseded';
  /** The departure of that decision. */
  calledOffBy: string;
  /** ISO 8601. */
  effectiveAt: string;
}

/** What the events of decisions do not say. Maps are by user. */
export interface Beginning {
  requestedBy: string | null;
  reasons: ReadonlyMap<string, string | null>;
  /** Of deletions only: digests of the address and of other identifiers. */
  digests: ReadonlyMap<string, Digests>;
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
  identifier_digests: 'text',
  conversion: 'jsonb',
  lifecycle_version: 'bigint',
  seq: 'bigint',
};

/** A JSON array, or null for an empty one. */
const listOf = (digests: readonly string[] = []): string | null =>
  digests.length > 0 ? JSON.stringify(digests) : null;

/** Further columns to set together with a status. */
const EXTRA_COLUMNS: Partial<Record<DepartureStatus, (now: Date) => RawBuilder<unknown>>> = {
  completed: (now) => sql`, completed_at = ${now}, close_after = '-infinity', ${WITHOUT_TEXT}`,
  superseded: () => sql`, ${WITHOUT_TEXT}`,
  cancelled: () => sql`, ${WITHOUT_TEXT}`,
};

/**
 * The only writer of departures: their status, counters, progress, notifications and audit entries change only here and in
 * the other classes of this folder, in the caller's transaction. The number of statements does not depend on the number of
 * departures.
 */
@Injectable()
export class DepartureStore {
  constructor(
    private readonly em: EntityManager,
    private readonly states: ServiceStates,
    private readonly log: TransitionLog,
    private readonly former: FormerIdentifiers,
    private readonly clock: Clock,
  ) {}

  /**
   * Changes the status of those departures that are in one of the statuses `from`.
   * @returns the changed departures
   */
  async transition(
    ids: readonly string[],
    from: readonly DepartureStatus[],
    to: DepartureStatus,
    facts?: Facts,
  ): Promise<Change[]> {
    if (ids.length === 0) return [];
    const { rows } = await sql<Change>`
      update departure d set status = ${to}, events = d.events + 1 ${EXTRA_COLUMNS[to]?.(this.clock.now()) ?? sql``}
      where d.id = any(${[...ids]}::uuid[]) and d.status = any(${[...from]}::text[])
      returning ${CHANGE}`.execute(this.db);
    await this.log.record(rows, [], facts);
    return rows;
  }

  /** Ends departures that are scheduled or wait for approval because of other departures, which must exist already. The audit trail names both. */
  async callOff(calledOff: readonly CallOff[], by: NonNullable<Facts['by']>): Promise<void> {
    if (calledOff.length === 0) return;
    const rows = calledOff.map(({ id, to, calledOffBy }) => ({ id, status: to, by: calledOffBy }));
    const { rows: changes } = await sql<Change>`
      update departure d set status = n.status, events = d.events + 1, called_off_by = n.by, ${WITHOUT_TEXT}
      from ${relationOf('n', rows, { id: 'uuid', status: 'text', by: 'uuid' })}
      where d.id = n.id and d.status in ('scheduled', 'awaiting-approval') returning ${CHANGE}`.execute(this.db);
    const byId = new Map(calledOff.map((one) => [one.id, one]));
    await this.log.record(changes, [], {
      by,
      detail: ({ id: departureId, transition }) => {
        const { effectiveAt, calledOffBy } = byId.get(departureId)!;
        return { departureId, transition, effectiveAt, calledOffBy };
      },
    });
  }

  /** Inserts scheduled departures. */
  async schedule(rows: readonly ScheduledDeparture[], facts?: Facts): Promise<void> {
    const { rows: changes } = await sql<Change>`
      insert into departure as d (id, account_id, user_id, transition, requested_by, effective_at, reason, wishes, return_at,
        returns_from, erases_from, notice_at, status, requested_at, total)
      select n.*, 'scheduled', ${this.clock.now()}::timestamptz, 0
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (id uuid, account_id uuid, user_id uuid, transition text,
        requested_by uuid, effective_at timestamptz, reason text, wishes jsonb, return_at timestamptz, returns_from uuid,
        erases_from uuid, notice_at timestamptz)
      returning ${CHANGE}`.execute(this.db);
    await this.log.record(changes, [], facts);
  }

  /**
   * Changes a departure that is still scheduled, and moves its notice along. Without a return, it no longer names what
   * that restores.
   */
  async reschedule(
    id: string,
    { effectiveAt, returnAt, reason }: ScheduleFacts,
    { by, detail }: { by: NonNullable<Facts['by']>; detail: Record<string, unknown> },
  ): Promise<void> {
    const { rows } = await sql<Change>`
      update departure d set effective_at = ${effectiveAt}, notice_at = d.notice_at + (${effectiveAt}::timestamptz - d.effective_at), return_at = ${returnAt}, reason = ${reason},
        wishes = case when ${returnAt}::timestamptz is null then d.wishes - 'returnRestore' else d.wishes end,
        events = d.events + 1, look_after = '-infinity'
      where d.id = ${id} and d.status = 'scheduled' returning ${CHANGE}`.execute(this.db);
    const progress = rows.map(({ status, done, total }) => ({
      departureId: id,
      type: 'departure' as const,
      data: { id, status, progress: { done, total }, effectiveAt, ...(returnAt && { returnAt }) },
    }));
    await this.log.record(rows, progress, {
      by,
      action: 'departure.rescheduled',
      detail: ({ transition }) => ({ departureId: id, transition, ...detail }),
    });
  }

  /** Starts one departure per event, which waits for all these services. Inserts it, or updates a scheduled one. */
  async begin(
    transition: DepartureTransition,
    events: readonly UserEvent[],
    services: readonly string[],
    { requestedBy, reasons, digests }: Beginning,
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
      wishes: {
        restore: departure!.restore,
        takenOverAt: departure!.takenOverAt,
        tellContacts: departure!.tellContacts,
      },
      address_digest: digests.get(userId)?.address ?? null,
      identifier_digests: listOf(digests.get(userId)?.identifiers),
      conversion: departure!.conversion ?? null,
      lifecycle_version: lifecycleVersion,
      seq,
    }));
    const { rows: changes } = await sql<Change>`
      insert into departure as d (${namesOf(DECIDED)}, steps, transition, status, requested_by, requested_at, effective_at, begun_at, total)
      select ${namesOf(DECIDED)}, n.step_names::text[], ${transition}, 'running', ${requestedBy}::uuid, ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz,
        ${services.length}::int
      from ${relationOf('n', rows, { ...DECIDED, step_names: 'text' })}
      on conflict (id) do update set status = 'running', events = d.events + 1, begun_at = excluded.begun_at, total = excluded.total, steps = excluded.steps,
        active_since = excluded.active_since, address_digest = excluded.address_digest, identifier_digests = excluded.identifier_digests, was_manager = excluded.was_manager, policy = excluded.policy,
        wishes = d.wishes || excluded.wishes,
        lifecycle_version = excluded.lifecycle_version, seq = excluded.seq
      returning ${CHANGE}`.execute(this.db);
    await this.states.insert(
      rows.map((row) => row.id),
      services,
    );
    await this.log.record(changes, []);
  }

  /**
   * Supersedes the open departures of these users, because of a newer decision.
   * @returns by user: the lifecycle version of a take-over among them, which the newer decision has to finish
   */
  async supersede(userIds: readonly string[]): Promise<Map<string, number>> {
    // `offset 0` makes PostgreSQL search by user. With many open departures it would otherwise scan their whole index.
    const { rows } = await sql<{ id: string; user_id: string; taken_over_at: number | null }>`
      select id, user_id, case when 'transferred' = any(steps)
        then coalesce((wishes ->> 'takenOverAt')::bigint, lifecycle_version)::float8 end as taken_over_at
      from departure
      where id = any(array(select id from departure where user_id = any(${[...userIds]}::uuid[]) offset 0))
        and status in ('running', 'failed')
      order by id for no key update`.execute(this.db);
    const ids = rows.map((row) => row.id);
    await this.transition(ids, ['running', 'failed'], 'superseded');
    await this.states.supersede(ids);
    return new Map(
      rows.flatMap((row): [string, number][] => (row.taken_over_at === null ? [] : [[row.user_id, row.taken_over_at]])),
    );
  }

  /** Fails scheduled departures that a guard has refused when they were due. */
  async refuse(refused: readonly { departureId: string; problem: Problem }[]): Promise<void> {
    if (refused.length === 0) return;
    const rows = refused.map(({ departureId, problem }) => ({
      id: departureId,
      error: problem.code,
      detail: problem.message,
    }));
    const { rows: changes } = await sql<Change>`
      update departure d set status = 'failed', events = d.events + 1, error = f.error, error_detail = f.detail,
        ${WITHOUT_TEXT}
      from ${relationOf('f', rows, { id: 'uuid', error: 'text', detail: 'text' })}
      where d.id = f.id and d.status = 'scheduled' returning ${CHANGE}`.execute(this.db);
    const codes = new Map(rows.map(({ id, error }) => [id, error]));
    await this.log.record(changes, [], {
      by: SYSTEM,
      detail: ({ id: departureId, transition }) => ({ departureId, transition, code: codes.get(departureId) }),
    });
  }

  /** Stores the time of the scheduled reactivation on departures that start now. */
  async setReturn(returns: readonly { departureId: string; returnAt: string }[]): Promise<void> {
    const rows = returns.map(({ departureId: id, returnAt: return_at }) => ({ id, return_at }));
    await sql`
      update departure d set return_at = n.return_at from ${relationOf('n', rows, { id: 'uuid', return_at: 'timestamptz' })}
      where d.id = n.id`.execute(this.db);
  }

  /**
   * Erases the reasons and the digests in the departures of these users.
   * @param except departures that still need them
   */
  async erasePersonal(userIds: readonly string[], { except = [] }: { except?: readonly string[] } = {}): Promise<void> {
    await sql`
      update departure set reason = null, address_digest = null, identifier_digests = null
      where user_id = any(${[...userIds]}::uuid[]) and id <> all(${[...except]}::uuid[])
        and num_nonnulls(reason, address_digest, identifier_digests) > 0`.execute(this.db);
    await sql`
      update approval set reason = null where reason is not null and id = any(array(
        select id from departure where user_id = any(${[...userIds]}::uuid[])))`.execute(this.db);
  }

  /** Erases what identifies users whose deletion every service has confirmed. */
  async forget(userIds: readonly string[]): Promise<void> {
    await this.erasePersonal(userIds);
    await this.former.forget(userIds);
  }

  private get db() {
    return this.em.getKysely();
  }
}
