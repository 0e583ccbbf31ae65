import { safeErrorFields, Log } from '#libs/observability';
import { Clock } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { BadFile } from './bad-file.js';
import { BatchWriter, Overtaken, type PreparedBatch } from './batch-writer.js';
import { readBatches } from './batches.js';
import { readRecords } from './csv.js';

const BATCH_ROWS = 5_000;
/** Imports that one replica works on at the same time. */
const AT_ONCE = 4;
/** Milliseconds after which a replica that gives no sign of life has lost its import to another. */
const LEASE = 15_000;
/** After so many attempts that got no further, the import itself is the trouble. */
const MOST_ATTEMPTS = 5;

interface Claimed {
  id: string;
  user_id_field: string | null;
  chunks: number;
  rows_done: string;
  attempts: number;
}

/**
 * Works imports off, batch by batch. A replica holds an import by a lease; should two ever work on the same one, each
 * batch still goes in once, as it only fits where the one before has ended.
 */
@Injectable()
export class ImportJobs {
  batchRows = BATCH_ROWS;
  private readonly running = new Map<string, Promise<void>>();
  private taking: Promise<unknown> = Promise.resolve();
  stopping = false;

  constructor(
    private readonly em: EntityManager,
    private readonly writer: BatchWriter,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Works on this import, unless somebody else does or too much is going on; resolves when there is no more to do here. */
  async work(importId: string): Promise<void> {
    await this.take(sql`id = ${importId}`);
    await this.running.get(importId);
  }

  /** Begins to work on an import that nobody works on. @returns false when there is none, or no room */
  begin(): Promise<boolean> {
    return this.take(sql`true`);
  }

  /** Lets the batches at work end, and leaves the rest to other replicas. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.taking;
    await Promise.all(this.running.values());
  }

  /** One after the other, so that whoever comes second finds what the first has begun. */
  private take(which: ReturnType<typeof sql>): Promise<boolean> {
    const taken = this.taking.then(async () => {
      const claimed = await this.claim(which);
      if (claimed) this.start(claimed);
      return claimed !== undefined;
    });
    this.taking = taken.catch(() => undefined);
    return taken;
  }

  private async claim(which: ReturnType<typeof sql>): Promise<Claimed | undefined> {
    if (this.stopping || this.running.size >= AT_ONCE) return undefined;
    const { rows } = await sql<Claimed>`
      update contact_import set lease_until = ${this.leaseEnd()}, attempts = attempts + 1
      where id = (
        select id from contact_import
        where status = 'running' and (lease_until is null or lease_until <= ${this.clock.now()}) and ${which}
        order by id limit 1 for update skip locked)
      returning id, user_id_field, chunks, rows_done, attempts`.execute(this.db());
    return rows[0];
  }

  private start(claimed: Claimed): void {
    const { id } = claimed;
    const work = this.run(claimed)
      .catch((error: unknown) => {
        // The lease runs out, and then somebody tries again.
        if (!(error instanceof Overtaken))
          this.log.error({ importId: id, ...safeErrorFields(error) }, 'an import was interrupted');
      })
      .finally(() => this.running.delete(id));
    this.running.set(id, work);
  }

  private async run(claimed: Claimed): Promise<void> {
    const { id, attempts } = claimed;
    const renewal = setInterval(() => void this.renew(id).catch(() => undefined), LEASE / 3);
    try {
      if (attempts > MOST_ATTEMPTS) throw new BadFile('The import failed several times on our side.');
      if (await this.writeAll(claimed)) await this.end(id, { status: 'completed', error: null });
      else await this.release(id);
    } catch (error) {
      if (!(error instanceof BadFile)) throw error;
      await this.end(id, { status: 'failed', error: error.message });
    } finally {
      clearInterval(renewal);
    }
  }

  /**
   * The next batch is read while the database is busy with the one before, and not while a batch needs several short
   * answers from it: these would wait in line with the reading. @returns false when it was stopped before the end
   */
  private async writeAll({ id, chunks, rows_done, user_id_field }: Claimed): Promise<boolean> {
    const options = { userIdField: user_id_field, from: Number(rows_done), size: this.batchRows };
    const batches = readBatches(readRecords(this.pieces(id, chunks)), options);
    try {
      for (let batch = await this.nextOf(batches); batch;) {
        if (this.stopping) return false;
        let next: Promise<PreparedBatch | undefined> | undefined;
        const following = () => (next ??= this.nextOf(batches));
        // What is wrong with the file is told when the batch at hand is written.
        await this.writer.write(id, batch, () => void following().catch(() => undefined));
        batch = await following();
      }
    } finally {
      await batches.return(undefined);
    }
    return true;
  }

  private async nextOf(batches: ReturnType<typeof readBatches>): Promise<PreparedBatch | undefined> {
    const { value, done } = await batches.next();
    return done ? undefined : this.writer.prepare(value);
  }

  private async *pieces(importId: string, chunks: number): AsyncGenerator<Buffer> {
    for (let n = 0; n < chunks; n++) {
      const { rows } = await sql<{ data: Buffer }>`
        select data from contact_import_chunk where import_id = ${importId} and n = ${n}`.execute(this.db());
      // They go when the import ends.
      if (!rows[0]) throw new Overtaken();
      yield rows[0].data;
    }
  }

  private async end(
    importId: string,
    { status, error }: { status: 'completed' | 'failed'; error: string | null },
  ): Promise<void> {
    const now = this.clock.now();
    const { rows } = await sql<{ rows_done: string }>`
      with over as (
        update contact_import set status = ${status}, error = ${error}, lease_until = null, touched_at = ${now}, finished_at = ${now}
        where id = ${importId} and status = 'running' returning id, rows_done),
      gone as (delete from contact_import_chunk where import_id in (select id from over))
      select rows_done from over`.execute(this.db());
    if (rows[0]) this.log.info({ importId, status, rows: Number(rows[0].rows_done) }, 'an import has ended');
  }

  private async renew(importId: string): Promise<void> {
    await sql`update contact_import set lease_until = ${this.leaseEnd()} where id = ${importId} and status = 'running'`.execute(
      this.db(),
    );
  }

  private async release(importId: string): Promise<void> {
    await sql`update contact_import set lease_until = null where id = ${importId} and status = 'running'`.execute(
      this.db(),
    );
  }

  private leaseEnd(): Date {
    return new Date(this.clock.millis() + LEASE);
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}
