import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';

const BATCH_SIZE = 200;

/** Deletes expired drafts. Delays do no harm, because readers also check the expiry. */
@Injectable()
export class DraftExpiryWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    context: WorkerContext,
  ) {
    super(context, { name: 'departure-draft-expiry' });
  }

  protected async step(): Promise<boolean> {
    const { rows } = await sql`
      delete from departure_draft where user_id in (
        select user_id from departure_draft where expires_at <= ${this.clock.now()}
        order by user_id limit ${BATCH_SIZE} for update skip locked)
      returning user_id`.execute(this.em.fork().getKysely());
    return rows.length === BATCH_SIZE;
  }
}
