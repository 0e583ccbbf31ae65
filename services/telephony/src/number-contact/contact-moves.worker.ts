import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ServiceClient } from '#libs/broker';
import { contactsMoved } from '#libs/contracts';
import { Worker, WorkerContext } from '#libs/jobs';

const BATCH_SIZE = 10;
/** Longer than a call to the contacts service may take. */
const LEASE_MS = 30_000;
/**
 * Retries forever. The first delays are short because the contacts service often only has to apply the departure first.
 */
const RETRY = { delaysMs: [500, 1_000, 2_000, 5_000, 15_000, 60_000], retryLimit: Infinity };

interface MoveRow {
  id: string;
  account_id: string;
  contact_ids: string[];
  user_id: string | null;
  after_user_id: string | null;
  after_version: string | null;
  attempts: number;
}

/**
 * Asks the contacts service to move contacts along with a number that somebody has reassigned or released. The row stays
 * until that service confirms the move, so a lost message is retried. Rows with `after_user_id` are moves by departures
 * that an earlier version of this service has recorded; today they are remote effects.
 */
@Injectable()
export class ContactMoves extends Worker<MoveRow> {
  constructor(
    private readonly em: EntityManager,
    private readonly client: ServiceClient,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'contact-moves',
      wokenBy: ['contacts_moved'],
      batchSize: BATCH_SIZE,
      leaseMs: LEASE_MS,
      retry: RETRY,
    });
  }

  protected override async claim(limit: number): Promise<MoveRow[]> {
    const { rows } = await sql<MoveRow>`
      with due as (
        select id from contacts_moved where ${this.isDue()} order by due_at, id limit ${limit} for update skip locked)
      update contacts_moved m set attempts = m.attempts + 1, due_at = ${this.leaseUntil()} from due where m.id = due.id
      returning m.*`.execute(this.db());
    return rows;
  }

  protected override async run(move: MoveRow): Promise<void> {
    const { id, account_id: accountId, contact_ids: contactIds, user_id: userId } = move;
    const after = move.after_user_id
      ? { userId: move.after_user_id, lifecycleVersion: Number(move.after_version) }
      : null;
    const { done } = await this.client.ask(contactsMoved, { id, accountId, contactIds, userId, after });
    if (done) await sql`delete from contacts_moved where id = ${id}`.execute(this.db());
    else await this.reschedule(move);
  }

  protected override failed(move: MoveRow): Promise<Date | undefined> {
    return this.reschedule(move);
  }

  protected override about({ id, attempts }: MoveRow): object {
    return { move: id, attempts };
  }

  private async reschedule({ id, attempts }: MoveRow): Promise<Date | undefined> {
    const retryAt = this.retryAt(attempts - 1);
    await sql`update contacts_moved set due_at = ${retryAt} where id = ${id} and attempts = ${attempts}`.execute(
      this.db(),
    );
    return retryAt;
  }

  private db() {
    return this.em.fork().getKysely();
  }
}
