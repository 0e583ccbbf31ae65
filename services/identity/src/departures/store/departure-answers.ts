import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import type { DepartureTransition } from '#libs/contracts';
import { AfterCommit, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { Audit, type NewEntry } from '../../audit/audit.js';
import { DepartureSignals } from './departure-signals.js';
import { DepartureStore, SYSTEM } from './departure-store.js';
import { newlyFinished, newlyHeld, type ServiceState } from './receipt-lines.js';
import { ServiceStates } from './service-states.js';
import { CHANGE, TransitionLog, type Change, type ProgressEvent } from './transition-log.js';

/** The state of a service in a departure, before and after a receipt. */
export interface StateChange {
  known: ServiceState;
  next: ServiceState;
}

/** A departure whose services have all answered. */
export interface AnsweredDeparture {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  round: number;
  lifecycle_version: number;
}

/** Writes the receipts of services and the results of proofs to departures. */
@Injectable()
export class DepartureAnswers {
  constructor(
    private readonly em: EntityManager,
    private readonly store: DepartureStore,
    private readonly states: ServiceStates,
    private readonly log: TransitionLog,
    private readonly audit: Audit,
    private readonly afterCommit: AfterCommit,
    private readonly signals: DepartureSignals,
  ) {}

  /** Locks departures in id order. @returns account and user of each, by id */
  async lock(ids: readonly string[]): Promise<Map<string, { account_id: string; user_id: string }>> {
    if (ids.length === 0) return new Map();
    const { rows } = await sql<{ id: string; account_id: string; user_id: string }>`
      select id, account_id, user_id from departure where id = any(${[...ids]}::uuid[])
      order by id for no key update`.execute(this.db);
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Writes receipts to locked departures and updates their counters. A departure with a failed service is failed, else running. */
  async record(changes: readonly StateChange[]): Promise<void> {
    if (changes.length === 0) return;
    await this.states.write(
      changes.map((change) => change.next),
      { answered: true },
    );
    const progress = changes.flatMap(progressOf);
    const moved = await this.recount(changes, progress);
    await this.log.record(moved, progress, { by: SYSTEM });
    if (moved.some((departure) => departure.done === departure.total))
      this.afterCommit.run(async () => void this.signals.emit('answered'));
    const departures = new Map(moved.map((departure) => [departure.id, departure]));
    await this.audit.append(changes.flatMap((change) => refusalsIn(change, departures)));
  }

  /**
   * Locks departures that all services have answered, except those that have been reopened or superseded since.
   * @param due with the round in which they were answered
   */
  async lockAnswered(due: readonly AnsweredDeparture[]): Promise<AnsweredDeparture[]> {
    const { rows } = await sql<AnsweredDeparture>`
      select d.id, d.account_id, d.user_id, d.transition, d.round, d.lifecycle_version::float8 from departure d
      join ${relationOf('n', due, { id: 'uuid', round: 'int' })} on d.id = n.id and d.round = n.round
      where d.status = 'running' and d.done = d.total order by d.id for no key update of d`.execute(this.db);
    return rows;
  }

  /**
   * Ends locked departures: completed if no rows remain, else failed.
   * @param counted the states of services whose lines change; `failed` if rows remain
   */
  async conclude(locked: readonly AnsweredDeparture[], counted: readonly ServiceState[]): Promise<void> {
    await this.states.write(counted, { answered: false });
    const failedStates = counted.filter((state) => state.status === 'failed');
    const failing = new Set(failedStates.map((state) => state.departure_id));
    const clean = locked.filter(({ id }) => !failing.has(id));
    await this.store.transition(
      clean.map(({ id }) => id),
      ['running'],
      'completed',
      { by: SYSTEM },
    );
    const deleted = clean.filter(({ transition }) => transition === 'deleted');
    if (deleted.length > 0) await this.store.forget(deleted.map((departure) => departure.user_id));
    if (clean.length > 0) this.afterCommit.run(async () => void this.signals.emit('announced'));
    await this.fail(failedStates);
  }

  private async fail(states: readonly ServiceState[]): Promise<void> {
    if (states.length === 0) return;
    const progress = states.map(serviceEvent);
    const rows = [...Map.groupBy(states, (state) => state.departure_id)].map(([id, own]) => ({
      id,
      failed: own.length,
    }));
    const { rows: changes } = await sql<Change>`
      update departure d set status = 'failed', done = d.total - n.failed, events = d.events + n.failed + 1
      from ${relationOf('n', rows, { id: 'uuid', failed: 'int' })} where d.id = n.id returning ${CHANGE}`.execute(
      this.db,
    );
    await this.log.record(changes, progress, { by: SYSTEM });
  }

  private async recount(changes: readonly StateChange[], progress: readonly ProgressEvent[]): Promise<Change[]> {
    const events = Map.groupBy(progress, ({ departureId }) => departureId);
    const ids = [...new Set(changes.map(({ next }) => next.departure_id))];
    const rows = ids.map((id) => ({ id, events: events.get(id)?.length ?? 0 }));
    const { rows: changed } = await sql<Change>`
      update departure d set done = n.done, status = n.status,
        events = d.events + n.events + (n.done <> d.done or n.status <> d.status)::int
      from (select o.id, c.done, e.events, case
            when o.status not in ('running', 'failed') then o.status when c.failed > 0 then 'failed' else 'running' end as status
          from ${relationOf('e', rows, { id: 'uuid', events: 'int' })} join departure o on o.id = e.id
          cross join lateral (select count(*) filter (where s.status = 'completed') as done,
              count(*) filter (where s.status = 'failed') as failed
            from departure_service s where s.departure_id = o.id) c) n
      where d.id = n.id returning ${CHANGE}`.execute(this.db);
    return changed;
  }

  private get db() {
    return this.em.getKysely();
  }
}

const serviceEvent = ({ departure_id: departureId, service, status, error, failure }: ServiceState): ProgressEvent => ({
  departureId,
  type: 'service',
  data: { service, status, ...(error && { error }), ...(failure && { failure }) },
});

function progressOf({ known, next }: StateChange): ProgressEvent[] {
  const { departure_id: departureId, service } = next;
  const rules = newlyFinished(next.rules, known.rules).map(
    ({ rule, part, transition, action, affected, finishedAt }): ProgressEvent => ({
      departureId,
      type: 'rule',
      data: { service, rule, part, transition, action, affected, finishedAt },
    }),
  );
  const same = known.status === next.status && (!next.failure || isDeepStrictEqual(known.failure, next.failure));
  return same ? rules : [...rules, serviceEvent(next)];
}

/** Audit entries for delayed effects that a legal hold has delayed. */
function refusalsIn({ known, next }: StateChange, departures: ReadonlyMap<string, Change>): NewEntry[] {
  const { account_id: accountId, user_id: subjectId } = departures.get(known.departure_id)!;
  return newlyHeld(next.rules, known.rules).map(({ rule, part, dueAt }) => ({
    accountId,
    action: 'departure.effect-refused',
    ...SYSTEM,
    subjectId,
    detail: { departureId: known.departure_id, rule, ...(part && { part }), dueAt, code: 'legal-hold' },
  }));
}
