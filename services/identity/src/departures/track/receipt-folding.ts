import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureStatus, Receipt } from '#libs/contracts';
import { Outbox } from '#libs/outbox';
import { Clock, relationOf, AfterCommit } from '#libs/database';
import { sql } from 'kysely';
import { Audit, type NewEntry } from '../../audit/audit.js';
import { CompletionWorker } from './completion.worker.js';
import { Progress, type NewProgress } from '../store/progress.js';
import {
  isOlder,
  newestOf,
  newlyFinished,
  newlyHeld,
  withRemaining,
  STATE,
  type ServiceState,
} from '../store/receipt-lines.js';

interface DepartureState {
  id: string;
  account_id: string;
  user_id: string;
  status: DepartureStatus;
  done: number;
  total: number;
}

const stateKey = (departureId: string, service: string): string => `${departureId} ${service}`;

interface Change {
  known: ServiceState;
  next: ServiceState;
}

/** Takes what services have done into their departures. Everything runs in the caller's transaction. */
@Injectable()
export class ReceiptFolding {
  constructor(
    private readonly em: EntityManager,
    private readonly outbox: Outbox,
    private readonly progress: Progress,
    private readonly closing: CompletionWorker,
    private readonly afterCommit: AfterCommit,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /** Set-based: some statements however many. What is old, double or about a departure of nobody changes nothing. */
  fold(service: string, receipts: readonly Receipt[]): Promise<void> {
    return this.foldAll(new Map([[service, receipts]]));
  }

  /** The same for what several services have told: a departure about which all of them do is written once. */
  async foldAll(told: ReadonlyMap<string, readonly Receipt[]>): Promise<void> {
    const newest = [...told].flatMap(([service, receipts]) =>
      [...newestOf(receipts.filter((receipt) => receipt.departureId))].map(([id, receipt]) => ({
        id,
        service,
        receipt,
      })),
    );
    const departures = await this.lock([...new Set(newest.map(({ id }) => id))]);
    const states = await this.states([...told.keys()], [...departures.keys()]);
    const changes = newest.flatMap(({ id, service, receipt }): Change[] => {
      const known = states.get(stateKey(id, service));
      if (!known || receipt.userId !== departures.get(id)!.user_id || isOlder(receipt, known)) return [];
      return [{ known, next: next(known, receipt) }];
    });
    await this.write(changes.map((change) => change.next));
    const moved = await this.updateCounters([...new Set(changes.map(({ next }) => next.departure_id))]);
    await this.progress.record([
      ...changes.flatMap(({ known, next }) => eventsOf(known, next)),
      ...moved.flatMap((after) => changeOf(departures.get(after.id)!, after)),
    ]);
    await this.acknowledge(told);
    if (moved.some((departure) => departure.done === departure.total))
      this.afterCommit.run(async () => this.closing.wake());
    await this.audit.append(changes.flatMap((change) => refusalsIn(change, departures)));
  }

  /** A service that has failed is not asked again until somebody wants it. */
  private async acknowledge(told: ReadonlyMap<string, readonly Receipt[]>): Promise<void> {
    const answers = [...told].flatMap(([service, receipts]) =>
      receipts
        .filter((receipt) => receipt.status !== 'running')
        .map(({ userId, seq, round }) => ({ userId, seq, service, round })),
    );
    await this.outbox.acknowledge(answers);
  }

  private async lock(ids: readonly string[]): Promise<Map<string, DepartureState>> {
    if (ids.length === 0) return new Map();
    const { rows } = await sql<DepartureState>`
      select id, account_id, user_id, status, done, total from departure where id = any(${[...ids]}::uuid[])
      order by id for no key update`.execute(this.em.getKysely());
    return new Map(rows.map((row) => [row.id, row]));
  }

  private async states(services: readonly string[], ids: readonly string[]): Promise<Map<string, ServiceState>> {
    if (ids.length === 0) return new Map();
    const { rows } = await sql<ServiceState>`
      select departure_id, service, status, error, round, rules from departure_service
      where departure_id = any(${[...ids]}::uuid[]) and service = any(${[...services]}::text[])`.execute(
      this.em.getKysely(),
    );
    return new Map(rows.map((row) => [stateKey(row.departure_id, row.service), row]));
  }

  private async write(states: readonly ServiceState[]): Promise<void> {
    if (states.length === 0) return;
    await sql`
      update departure_service s set status = n.status, error = n.error, round = n.round, rules = n.rules,
        updated_at = ${this.clock.now()}
      from ${relationOf('n', states, STATE)} where s.departure_id = n.departure_id and s.service = n.service`.execute(
      this.em.getKysely(),
    );
  }

  private async updateCounters(ids: readonly string[]): Promise<DepartureState[]> {
    if (ids.length === 0) return [];
    const { rows } = await sql<DepartureState>`
      update departure d set done = n.done, status = case
        when d.status not in ('running', 'failed') then d.status when n.failed > 0 then 'failed' else 'running' end
      from (select departure_id, count(*) filter (where status = 'completed') as done,
          count(*) filter (where status = 'failed') as failed
        from departure_service where departure_id = any(${[...ids]}::uuid[]) group by departure_id) n
      where d.id = n.departure_id returning d.id, d.account_id, d.user_id, d.status, d.done, d.total`.execute(
      this.em.getKysely(),
    );
    return rows;
  }
}

/** That a legal hold keeps delayed effects from happening: the system has been refused them. */
function refusalsIn({ known, next }: Change, departures: ReadonlyMap<string, DepartureState>): NewEntry[] {
  const { account_id: accountId, user_id: subjectId } = departures.get(known.departure_id)!;
  return newlyHeld(next.rules, known.rules).map(({ rule, part, dueAt }) => ({
    accountId,
    action: 'departure.effect-refused',
    system: 'departure',
    subjectId,
    detail: { departureId: known.departure_id, rule, ...(part && { part }), dueAt, code: 'legal-hold' },
  }));
}

function next(known: ServiceState, { status, error, round, rules }: Receipt): ServiceState {
  return { ...known, status, error: error ?? null, round, rules: withRemaining(rules, known.rules) };
}

function eventsOf(known: ServiceState, { departure_id: departureId, service, status, error, rules }: ServiceState) {
  const events: NewProgress[] = newlyFinished(rules, known.rules).map(
    ({ rule, part, transition, action, affected, finishedAt }) => ({
      departureId,
      type: 'rule',
      data: { service, rule, part, transition, action, affected, finishedAt },
    }),
  );
  if (known.status !== status)
    events.push({ departureId, type: 'service', data: { service, status, ...(error && { error }) } });
  return events;
}

function changeOf(before: DepartureState, { id, status, done, total }: DepartureState): NewProgress[] {
  if (before.status === status && before.done === done) return [];
  return [{ departureId: id, type: 'departure', data: { id, status, progress: { done, total } } }];
}
