import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureTransition, ReceiptLine } from '#libs/contracts';
import { Clock, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../audit/audit.js';
import { Erasure } from '../decide/erasure.js';
import { Progress } from '../store/progress.js';
import { keyOf, STATE, type ServiceState } from '../store/receipt-lines.js';
import type { Broken } from '../plan/rule-services.js';

/** A departure that all services are through with. */
export interface DueDeparture {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  round: number;
  lifecycle_version: number;
}

/** What a service shows as its error when it is through and something still breaks a promise. */
export const REMAINING = 'remaining';

/** Ends departures with what the proofs have shown. */
@Injectable()
export class Completion {
  constructor(
    private readonly em: EntityManager,
    private readonly progress: Progress,
    private readonly erasure: Erasure,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /** Which of these departures each service has to prove. */
  async servicesOf(due: readonly DueDeparture[]): Promise<Map<string, DueDeparture[]>> {
    const byId = new Map(due.map((departure) => [departure.id, departure]));
    const { rows } = await sql<{ departure_id: string; service: string }>`
      select departure_id, service from departure_service where departure_id = any(${[...byId.keys()]}::uuid[])`.execute(
      this.em.fork().getKysely(),
    );
    const services = Map.groupBy(rows, (row) => row.service);
    return new Map([...services].map(([service, its]) => [service, its.map((row) => byId.get(row.departure_id)!)]));
  }

  /**
   * Where nothing remains the departure is completed, and that says it of all its lines. Otherwise it has failed, and what
   * remains is written into them. Departures that have been overtaken meanwhile are left alone.
   * @param broken what breaks a promise, by service
   */
  async close(due: readonly DueDeparture[], broken: ReadonlyMap<string, readonly Broken[]>): Promise<void> {
    await this.em.fork().transactional(async () => {
      const open = await this.lock(due);
      const unclean = new Set([...broken.values()].flat().map(({ userId }) => userId));
      // What an earlier round has counted stands in the lines.
      const states = await this.states(open.filter(({ user_id, round }) => round > 0 || unclean.has(user_id)));
      const byUser = new Map(open.map((departure) => [departure.id, departure.user_id]));
      const counted = states.map((state) =>
        count(state, broken.get(state.service) ?? [], byUser.get(state.departure_id)!),
      );
      await this.write(counted);
      const failing = new Set(counted.filter((state) => state.status === 'failed').map((state) => state.departure_id));
      await this.finish(open.filter((departure) => !failing.has(departure.id)));
      await this.fail(open.filter((departure) => failing.has(departure.id)));
      await this.progress.record([
        ...counted
          .filter((state) => state.status === 'failed')
          .map(({ departure_id: departureId, service, status, error }) => ({
            departureId,
            type: 'service' as const,
            data: { service, status, error },
          })),
        ...open.map(({ id, total }) => {
          const done = total - counted.filter((one) => one.departure_id === id && one.status === 'failed').length;
          const status = failing.has(id) ? 'failed' : 'completed';
          return { departureId: id, type: 'departure' as const, data: { id, status, progress: { done, total } } };
        }),
      ]);
    });
  }

  private async lock(due: readonly DueDeparture[]): Promise<(DueDeparture & { total: number })[]> {
    const { rows } = await sql<DueDeparture & { total: number }>`
      select d.id, d.account_id, d.user_id, d.transition, d.round, d.total from departure d
      join unnest(${due.map((one) => one.id)}::uuid[], ${due.map((one) => one.round)}::int[]) as n (id, round)
        on d.id = n.id and d.round = n.round
      where d.status = 'running' and d.done = d.total order by d.id for no key update of d`.execute(
      this.em.getKysely(),
    );
    return rows;
  }

  private async states(open: readonly DueDeparture[]): Promise<ServiceState[]> {
    if (open.length === 0) return [];
    const { rows } = await sql<ServiceState>`
      select departure_id, service, status, error, round, rules from departure_service
      where departure_id = any(${open.map((one) => one.id)}::uuid[])`.execute(this.em.getKysely());
    return rows;
  }

  private async write(states: readonly ServiceState[]): Promise<void> {
    if (states.length === 0) return;
    await sql`
      update departure_service s set status = n.status, error = n.error, rules = n.rules
      from ${relationOf('n', states, STATE)} where s.departure_id = n.departure_id and s.service = n.service`.execute(
      this.em.getKysely(),
    );
  }

  private async finish(departures: readonly DueDeparture[]): Promise<void> {
    if (departures.length === 0) return;
    await sql`
      update departure set status = 'completed', completed_at = ${this.clock.now()}, close_after = '-infinity'
      where id = any(${departures.map((one) => one.id)}::uuid[])`.execute(this.em.getKysely());
    const deleted = departures.filter((departure) => departure.transition === 'deleted');
    if (deleted.length > 0) await this.erasure.eraseReasons(deleted.map((departure) => departure.user_id));
    await this.record(departures, 'departure.completed');
  }

  private async fail(departures: readonly DueDeparture[]): Promise<void> {
    if (departures.length === 0) return;
    await sql`
      update departure d set status = 'failed', done = (
        select count(*) from departure_service s where s.departure_id = d.id and s.status = 'completed')
      where d.id = any(${departures.map((one) => one.id)}::uuid[])`.execute(this.em.getKysely());
    await this.record(departures, 'departure.failed');
  }

  private async record(departures: readonly DueDeparture[], action: string): Promise<void> {
    await this.audit.append(
      departures.map(({ id, account_id: accountId, user_id: subjectId, transition }) => ({
        accountId,
        action,
        system: 'departure',
        subjectId,
        detail: { departureId: id, transition },
      })),
    );
  }
}

/** The service's lines with what remains of each. */
function count(state: ServiceState, broken: readonly Broken[], userId: string): ServiceState {
  const own = broken.filter((one) => one.userId === userId);
  const remaining = new Map(own.map((one) => [keyOf(one), one.remaining]));
  const rules = state.rules.map((line): ReceiptLine => ({
    ...line,
    remaining: line.finishedAt ? (remaining.get(keyOf(line)) ?? 0) : null,
  }));
  const clean = own.length === 0;
  return { ...state, rules, status: clean ? state.status : 'failed', error: clean ? state.error : REMAINING };
}
