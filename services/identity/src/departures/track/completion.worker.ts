import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { failpoint, Worker } from '#libs/jobs';
import { safeErrorFields, Log } from '#libs/observability';
import { Clock } from '#libs/database';
import { logDepartures } from '#libs/lifecycle';
import { sql } from 'kysely';
import { CompletionPublisher, type CompletedRow } from './completion-publisher.js';
import { Completion, type DueDeparture } from './completion.js';
import { RuleServices, type Broken } from '../plan/rule-services.js';

const BATCH_SIZE = 500;
/** Milliseconds for which one replica keeps others from the same departures; a crash costs that much time. */
const LEASE_MS = 60_000;
/** Milliseconds until a service that did not answer is asked again. */
const RETRY_DELAY_MS = 2_000;

/**
 * Brings departures to their end: when all services are done asks each for the proof, closes, and then tells and
 * forgets. Everything stands in the database, so a crash between any two steps only means that one is done again.
 */
@Injectable()
export class CompletionWorker extends Worker {
  constructor(
    private readonly em: EntityManager,
    private readonly closing: Completion,
    private readonly announcer: CompletionPublisher,
    private readonly owners: RuleServices,
    private readonly clock: Clock,
    log: Log,
  ) {
    super(log);
  }

  protected async step(): Promise<boolean> {
    const due = await this.claim<DueDeparture>(sql`status = 'running' and done = total`);
    if (due.length > 0) await this.close(due).catch((error: unknown) => this.reschedule(due, error));
    const closed = await this.claim<CompletedRow>(sql`status = 'completed' and not announced`);
    if (closed.length > 0) await this.announce(closed).catch((error: unknown) => this.reschedule(closed, error));
    return due.length === BATCH_SIZE || closed.length === BATCH_SIZE;
  }

  private async claim<T>(which: ReturnType<typeof sql>): Promise<T[]> {
    const now = this.clock.now();
    const { rows } = await sql<T>`
      with due as materialized (
        select id from departure where ${which} and close_after <= ${now} order by close_after limit ${BATCH_SIZE}
        for no key update skip locked
      )
      update departure d set close_after = ${new Date(now.getTime() + LEASE_MS)} from due where d.id = due.id
      returning d.id, d.account_id, d.user_id, d.transition, d.round, d.lifecycle_version::float8, d.completed_at`.execute(
      this.em.fork().getKysely(),
    );
    return rows;
  }

  private async close(due: readonly DueDeparture[]): Promise<void> {
    const services = await this.closing.servicesOf(due);
    const broken = new Map<string, Broken[]>();
    const unproven = new Set<string>();
    await Promise.all(
      [...services].map(async ([service, its]) => {
        const proven = its.filter((departure) => departure.transition !== 'reactivated');
        const users = proven.map((one) => ({ userId: one.user_id, lifecycleVersion: one.lifecycle_version }));
        await this.owners.broken(service, users).then(
          (found) => broken.set(service, found),
          async (error: unknown) => {
            for (const { id } of its) unproven.add(id);
            await this.reschedule(its, error);
          },
        );
      }),
    );
    const proven = due.filter((departure) => !unproven.has(departure.id));
    if (proven.length > 0) await failpoint('departure.close', () => this.closing.close(proven, broken));
  }

  private async announce(closed: readonly CompletedRow[]): Promise<void> {
    await this.announcer.publish(closed);
    const complete = closed.map(({ id: departureId, transition }) => ({ departureId, transition }));
    logDepartures(this.log, 'departures are complete', complete);
  }

  private async reschedule(departures: readonly { id: string }[], error: unknown): Promise<void> {
    this.log.warn({ departures: departures.length, ...safeErrorFields(error) }, 'departures can not be closed yet');
    await sql`
      update departure set close_after = ${new Date(this.clock.millis() + RETRY_DELAY_MS)}
      where id = any(${departures.map((one) => one.id)}::uuid[])`.execute(this.em.fork().getKysely());
  }
}
