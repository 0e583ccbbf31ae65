import { EntityManager } from '@mikro-orm/postgresql';
import type { UserEvent } from '#libs/contracts';
import { safeErrorFields, runInContext } from '#libs/observability';
import { sql } from 'kysely';
import { EventProcessor } from './event-processor.js';
import { isDue, classifyError, StepWorker, WorkerContext } from '#libs/jobs';
import { Receipts } from '../receipts.js';

/** Tries the events again that failed on their own. They wait in PostgreSQL: the broker has long forgotten them. */
export class RetryWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly processor: EventProcessor,
    private readonly receipts: Receipts,
    context: WorkerContext,
  ) {
    super(context, { name: 'event-retries' });
  }

  protected async step(): Promise<boolean> {
    const db = this.em.fork().getKysely();
    const { rows } = await sql<{ event: UserEvent }>`
      select event from inbox where status = 'retry' and ${isDue(this.clock.now())} order by due_at limit 20`.execute(
      db,
    );
    for (const { event } of rows) {
      const { traceparent, data } = event;
      await runInContext({ traceparent, departureId: data.departure?.id }, () => this.retry(event));
    }
    return rows.length > 0;
  }

  private async retry(event: UserEvent): Promise<void> {
    const receipts = await this.processor.retry(event).catch((error: unknown) => {
      const verdict = classifyError(error);
      this.log.warn({ ...safeErrorFields(error), code: verdict.code }, 'a retry failed');
      return this.processor.scheduleRetry(
        event,
        verdict.kind === 'transient' ? { kind: 'retry', code: verdict.code } : verdict,
      );
    });
    await this.receipts.send(receipts);
  }
}
