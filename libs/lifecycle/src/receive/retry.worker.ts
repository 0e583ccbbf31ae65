import { EntityManager } from '@mikro-orm/postgresql';
import type { Receipt, UserEvent } from '#libs/contracts';
import type { WorkContext } from '#libs/observability';
import { sql } from 'kysely';
import { EventProcessor } from './event-processor.js';
import { isDue, Worker, WorkerContext, type ErrorClass } from '#libs/jobs';
import { Receipts } from '../receipts.js';
import { causeOf } from '../declare/failure.js';

interface WaitingEvent {
  event: UserEvent;
  attempts: number;
}

/** Retries events that failed when applied alone. They wait in PostgreSQL, because the broker no longer has them. */
export class RetryWorker extends Worker<WaitingEvent> {
  constructor(
    private readonly em: EntityManager,
    private readonly processor: EventProcessor,
    private readonly receipts: Receipts,
    context: WorkerContext,
  ) {
    super(context, { name: 'event-retries' });
  }

  /** No lease: the retry locks the event, and events that another replica works on are skipped. */
  protected override async claim(limit: number): Promise<WaitingEvent[]> {
    const { rows } = await sql<WaitingEvent>`
      select event, attempts from inbox where status = 'retry' and ${isDue(this.clock.now())}
      order by due_at limit ${limit} for update skip locked`.execute(this.em.fork().getKysely());
    return rows;
  }

  protected override async run({ event }: WaitingEvent): Promise<void> {
    await this.send(await this.processor.retry(event));
  }

  /** A transient failure counts as an attempt too: an event that keeps failing must not hold up the others. */
  protected override async failed(
    { event, attempts }: WaitingEvent,
    { kind, code }: ErrorClass,
    error: unknown,
  ): Promise<Date | undefined> {
    const failure = kind === 'transient' ? { kind: 'retry' as const, code } : { kind, code };
    await this.send(await this.processor.scheduleRetry(event, failure, causeOf(error)));
    return kind === 'permanent' ? undefined : this.retryAt(attempts);
  }

  protected override about({ attempts }: WaitingEvent): object {
    return { attempts };
  }

  protected override contextOf({ event: { traceparent, data } }: WaitingEvent): WorkContext {
    return { traceparent, departureId: data.departure?.id };
  }

  /** Never throws: the retry is already committed. */
  private async send(receipts: readonly Receipt[]): Promise<void> {
    await this.receipts.send(receipts).catch((error: unknown) => this.failNextLook(error));
  }
}
