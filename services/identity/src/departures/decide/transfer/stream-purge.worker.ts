import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';
import { UserStream } from '../../../user/user-stream.js';

const AT_ONCE = 100;
/** Milliseconds for which one replica keeps others from the same people; a crash costs that much time. */
const LEASE = 60_000;

/** Has the broker forget what it knows of people who have handed their user over, once every service knows the new one. */
@Injectable()
export class StreamPurgeWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly stream: UserStream,
    context: WorkerContext,
  ) {
    super(context, { name: 'stream-purges' });
  }

  protected async step(): Promise<boolean> {
    const now = this.clock.now();
    const db = this.em.fork().getKysely();
    const { rows } = await sql<{ id: string; account_id: string; user_id: string }>`
      with due as materialized (
        select id from stream_purge p where look_after <= ${now}
          and not exists (select from outbox o where o.user_id = p.user_id and o.seq <= p.seq)
        order by id limit ${AT_ONCE} for update skip locked
      )
      update stream_purge p set look_after = ${new Date(now.getTime() + LEASE)} from due where p.id = due.id
      returning p.id, p.account_id, p.user_id`.execute(db);
    await this.stream.purge(rows);
    await sql`delete from stream_purge where id = any(${rows.map((row) => row.id)}::uuid[])`.execute(db);
    return rows.length === AT_ONCE;
  }
}
