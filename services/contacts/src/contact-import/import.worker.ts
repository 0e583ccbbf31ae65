import { Problem } from '#libs/contracts';
import { BadFile, readRecords } from '#libs/csv';
import { Worker, WorkerContext } from '#libs/jobs';
import type { Db } from '#libs/lifecycle';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { BatchWriter, StaleImport, type PreparedBatch } from './batch-writer.js';
import { readBatches } from './batches.js';
import { OwnerHasLeft } from './owner-has-left.js';

const BATCH_ROWS = 5_000;
/** Maximum number of imports that one replica runs at the same time. */
const CONCURRENCY = 4;
/** Imports of one account at the same time, so that its large files do not hold up other accounts. */
const ACCOUNT_CONCURRENCY = 2;
/** Milliseconds after which another replica can take over an import whose lease was not renewed. */
const LEASE_MS = 15_000;
/** Attempts without progress after which an import fails. */
const MAX_ATTEMPTS = 5;

interface Claimed {
  id: string;
  account_id: string;
  user_id_field: string | null;
  chunks: number;
  rows_done: string;
  attempts: number;
}

const isUnavailable = (error: unknown): boolean => error instanceof Problem && error.code === 'service-unavailable';

/**
 * Runs imports batch by batch. A replica holds an import by a lease. If two replicas run the same import, each batch is
 * still written only once: the writer accepts a batch only if it continues where the last one ended.
 */
@Injectable()
export class ImportWorker extends Worker<Claimed> {
  batchRows = BATCH_ROWS;
  private readonly runs = new Map<string, Promise<void>>();

  constructor(
    private readonly em: EntityManager,
    private readonly writer: BatchWriter,
    context: WorkerContext,
  ) {
    super(context, { name: 'imports', wokenBy: ['contact_import'], concurrency: CONCURRENCY, leaseMs: LEASE_MS });
  }

  /**
   * Runs this import unless another replica does or no slot is free. Resolves when this replica has stopped working on
   * it.
   */
  async work(importId: string): Promise<void> {
    await this.take(() => this.claimOne(sql`id = ${importId}`));
    await this.runs.get(importId);
  }

  protected override claim(): Promise<Claimed[]> {
    return this.claimOne(sql`true`);
  }

  protected override start(claimed: Claimed): Promise<void> {
    const run = super.start(claimed).finally(() => this.runs.get(claimed.id) === run && this.runs.delete(claimed.id));
    this.runs.set(claimed.id, run);
    return run;
  }

  protected override async run(claimed: Claimed, signal: AbortSignal): Promise<void> {
    const { id, attempts } = claimed;
    try {
      if (attempts > MAX_ATTEMPTS) throw new BadFile('The import failed several times on our side.');
      if (await this.writeAll(claimed, signal)) await this.end(id, { status: 'completed', error: null });
      else await this.release(id);
    } catch (error) {
      if (error instanceof StaleImport) return;
      if (isUnavailable(error)) return this.postpone(id);
      if (!(error instanceof BadFile)) throw error;
      await this.end(id, { status: 'failed', error: error.message, forget: error instanceof OwnerHasLeft });
    }
  }

  protected override async renew({ id }: Claimed): Promise<void> {
    await sql`update contact_import set lease_until = ${this.leaseUntil()} where id = ${id} and status = 'running'`.execute(
      this.db(),
    );
  }

  protected override about({ id, attempts }: Claimed): object {
    return { importId: id, attempts };
  }

  private async claimOne(which: ReturnType<typeof sql>): Promise<Claimed[]> {
    const { rows } = await sql<Claimed>`
      update contact_import set lease_until = ${this.leaseUntil()}, attempts = attempts + 1
      where id = (
        select id from contact_import i
        where status = 'running' and (lease_until is null or ${this.isPast('lease_until')}) and ${which}
          and (select count(*) from contact_import o
            where o.account_id = i.account_id and o.status = 'running' and o.lease_until is not null
              and not ${this.isPast('o.lease_until')}) < ${ACCOUNT_CONCURRENCY}::int
        order by id limit 1 for update skip locked)
      returning id, account_id, user_id_field, chunks, rows_done, attempts`.execute(this.db());
    return rows;
  }

  /**
   * Reads the next batch while the database runs the long statement of the current one. It does not read earlier,
   * because the short statements before it would queue behind the reading.
   * @returns false if it was aborted before the end of the file
   */
  private async writeAll(claimed: Claimed, signal: AbortSignal): Promise<boolean> {
    const { id, account_id, chunks, rows_done, user_id_field } = claimed;
    const options = { userIdField: user_id_field, from: Number(rows_done), size: this.batchRows };
    const batches = readBatches(readRecords(this.pieces(id, chunks)), options);
    try {
      for (let batch = await this.nextOf(account_id, batches); batch;) {
        if (signal.aborted) return false;
        let next: Promise<PreparedBatch | undefined> | undefined;
        const following = () => (next ??= this.nextOf(account_id, batches));
        // `await following()` below throws this error again, after the current batch has been written.
        await this.writer.write(id, batch, () => void following().catch(() => undefined));
        batch = await following();
      }
    } finally {
      await batches.return(undefined);
    }
    return true;
  }

  private async nextOf(accountId: string, batches: ReturnType<typeof readBatches>): Promise<PreparedBatch | undefined> {
    const { value, done } = await batches.next();
    return done ? undefined : this.writer.prepare({ ...value, accountId });
  }

  private async *pieces(importId: string, chunks: number): AsyncGenerator<Buffer> {
    for (let n = 0; n < chunks; n++) {
      const { rows } = await sql<{ data: Buffer }>`
        select data from contact_import_chunk where import_id = ${importId} and n = ${n}`.execute(this.db());
      // The pieces are deleted when the import ends.
      if (!rows[0]) throw new StaleImport();
      yield rows[0].data;
    }
  }

  /** @param forget the file of the import source counts as not seen, so a later owner of the source imports it anew */
  private async end(
    importId: string,
    { status, error, forget = false }: { status: 'completed' | 'failed'; error: string | null; forget?: boolean },
  ): Promise<void> {
    const now = this.clock.now();
    const { rows } = await sql<{ rows_done: string }>`
      with over as (
        update contact_import set status = ${status}, error = ${error}, lease_until = null, touched_at = ${now}, finished_at = ${now}
        where id = ${importId} and status = 'running' returning id, rows_done),
      gone as (delete from contact_import_chunk where import_id in (select id from over)),
      forgotten as (delete from import_source_file where ${forget} and import_id in (select id from over))
      select rows_done from over`.execute(this.db());
    if (rows[0]) this.log.info({ importId, status, rows: Number(rows[0].rows_done) }, 'import ended');
  }

  /** Waits for a service that does not answer, however long that takes. */
  private async postpone(importId: string): Promise<void> {
    this.log.warn({ importId }, 'import waits for identity');
    await sql`
      update contact_import set lease_until = null, attempts = attempts - 1
      where id = ${importId} and status = 'running' and attempts > 0`.execute(this.db());
  }

  private async release(importId: string): Promise<void> {
    await sql`update contact_import set lease_until = null where id = ${importId} and status = 'running'`.execute(
      this.db(),
    );
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}
