import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { UserEvents } from '../user/user-events.js';

const BATCH_SIZE = 200;

/** Ends expired care. Delays do no harm, because readers of a caretaker also check the expiry. */
@Injectable()
export class CareEndsWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly events: UserEvents,
    private readonly audit: Audit,
    context: WorkerContext,
  ) {
    super(context, { name: 'care-ends' });
  }

  protected async step(): Promise<boolean> {
    return this.em.fork().transactional(async (em) => {
      const { rows } = await sql<{ id: string; account_id: string; caretaker_id: string }>`
        with due as materialized (
          select id, caretaker_id from users where caretaker_until <= ${this.clock.now()}
          order by id limit ${BATCH_SIZE} for no key update skip locked
        )
        update users u set caretaker_id = null, caretaker_until = null from due where u.id = due.id
        returning u.id, u.account_id, due.caretaker_id`.execute(em.getKysely());
      await this.events.publishChanged(rows.map((row) => row.id));
      await this.audit.append(
        rows.map(({ id: subjectId, account_id: accountId, caretaker_id: caretakerId }) => ({
          accountId,
          action: 'caretaker.ended',
          system: 'care',
          subjectId,
          detail: { caretakerId },
        })),
      );
      return rows.length === BATCH_SIZE;
    });
  }
}
