import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem } from '#libs/contracts';
import { isTransient, Worker, WorkerContext } from '#libs/jobs';
import { safeErrorFields } from '#libs/observability';
import { isoOf } from '../../../../common/moments.js';
import { DryRunRows, refusedRow, type CountedRow, type RowToCount } from './dry-run-rows.js';
import { DryRunStore, type DryRun } from './dry-run-store.js';
import { sumOf } from './dry-run-totals.js';

/** Rows per transaction. */
const BATCH_SIZE = 500;
/** How long a claim lasts. After a crash another replica takes over when it ends. */
const LEASE_MS = 60_000;
/** A manager waits for the result. A service that is away may come back at any time, so there is no limit. */
const RETRY = { delaysMs: [2_000], retryLimit: Infinity };

/** Counts the rows of dry runs, some hundred in a step. Their results are recorded together: after a crash it continues there. */
@Injectable()
export class DryRunWorker extends Worker<DryRun> {
  constructor(
    private readonly em: EntityManager,
    private readonly store: DryRunStore,
    private readonly rows: DryRunRows,
    context: WorkerContext,
  ) {
    super(context, { name: 'bulk-dry-runs', wokenBy: ['bulk_dry_run'], leaseMs: LEASE_MS, retry: RETRY });
  }

  protected override claim(limit: number): Promise<DryRun[]> {
    return this.store.claim(limit, this.leaseUntil(), this.isPast('look_after'));
  }

  protected override async run(dryRun: DryRun): Promise<void> {
    const rows = await this.store.uncounted(dryRun.id, BATCH_SIZE);
    if (rows.length === 0) return this.store.finish(dryRun.id);
    await this.countRows(dryRun, rows);
    await this.store.rescheduleAt(dryRun.id, this.clock.now());
  }

  protected override async failed(dryRun: DryRun): Promise<Date | undefined> {
    const retryAt = this.retryAt(0)!;
    await this.store.rescheduleAt(dryRun.id, retryAt);
    return retryAt;
  }

  protected override about({ id }: DryRun): object {
    return { dryRun: id };
  }

  /**
   * If a batch fails for an unknown reason, counts its rows one by one, so that one row does not stop the others.
   * @throws Problem or a transient error; the rows stay uncounted then
   */
  private async countRows(dryRun: DryRun, rows: readonly RowToCount[]): Promise<void> {
    try {
      await this.record(dryRun.id, await this.count(dryRun, rows));
    } catch (error) {
      if (error instanceof Problem || isTransient(error)) throw error;
      if (rows.length > 1) for (const row of rows) await this.countRows(dryRun, [row]);
      else {
        this.log.error(safeErrorFields(error), 'a row of a dry run failed');
        await this.record(dryRun.id, [refusedRow({ row: rows[0]!, problem: new Problem('internal') })]);
      }
    }
  }

  private async count(dryRun: DryRun, rows: readonly RowToCount[]): Promise<CountedRow[]> {
    const people = await this.store.people(dryRun.id);
    return RequestContext.create(this.em, () => this.rows.count(listOf(dryRun), rows, people));
  }

  private async record(id: string, rows: readonly CountedRow[]): Promise<void> {
    await this.em.fork().transactional(async () => {
      const totals = await this.store.lock(id, rows);
      if (!totals) return;
      const more = rows.filter(({ possible }) => possible).flatMap((row) => row.totals);
      await this.store.record(id, rows, sumOf([...totals, ...more]));
    });
  }
}

export const listOf = ({ account_id, transition, effective_at, requested_as, successors, overrides }: DryRun) => ({
  accountId: account_id,
  transition,
  ...(effective_at !== null && { effectiveAt: isoOf(effective_at) }),
  roles: requested_as,
  successors,
  overrides,
});
