import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { BatchWorker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';
import { UserStream } from '../../../user/user-stream.js';

const BATCH_SIZE = 100;
/** How long a claim lasts. After a crash another replica takes over when it ends. */
const LEASE_MS = 60_000;

interface PurgeRow {
  id: string;
  account_id: string;
  user_id: string;
  seq: string;
}

/**
 * Purges the broker's events from before a transfer when every service has received the new profile. The transfer's event
 * and later ones stay.
 */
@Injectable()
export class StreamPurgeWorker extends BatchWorker<PurgeRow> {
  constructor(
    private readonly em: EntityManager,
    private readonly stream: UserStream,
    context: WorkerContext,
  ) {
    super(context, { name: 'stream-purges', wokenBy: ['stream_purge'], batchSize: BATCH_SIZE, leaseMs: LEASE_MS });
  }

  protected override async claim(limit: number): Promise<PurgeRow[]> {
    const { rows } = await sql<PurgeRow>`
      with due as materialized (
        select id from stream_purge p where ${this.isPast('look_after')}
          and not exists (select from outbox o where o.user_id = p.user_id and o.seq <= p.seq)
        order by id limit ${limit} for update skip locked
      )
      update stream_purge p set look_after = ${this.leaseUntil()} from due where p.id = due.id
      returning p.id, p.account_id, p.user_id, p.seq`.execute(this.db);
    return rows;
  }

  protected override async run(rows: readonly PurgeRow[]): Promise<void> {
    await this.stream.purgeBefore(rows.map((row) => ({ ...row, seq: Number(row.seq) })));
    await sql`delete from stream_purge where id = any(${rows.map((row) => row.id)}::uuid[])`.execute(this.db);
  }

  protected override about(rows: readonly PurgeRow[]): object {
    return { users: rows.length };
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}
