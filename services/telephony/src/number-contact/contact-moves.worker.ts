import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { safeErrorFields } from '#libs/observability';
import { ServiceClient } from '#libs/broker';
import { contactsMoved } from '#libs/contracts';
import { StepWorker, WorkerContext } from '#libs/jobs';

const AT_ONCE = 10;
/** Another replica takes over what one died with. Longer than an answer may take. */
const LEASE = 30_000;
/** Milliseconds until the next try, where contacts is not there or has not got so far; the last one holds for all further. */
const AGAIN_AFTER = [500, 1_000, 2_000, 5_000, 15_000, 60_000];

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
 * Tells the contacts service whose contacts have gone to whom with their number, until it has done it: whatever becomes
 * of a message on the way, the row is still here.
 */
@Injectable()
export class ContactMoves extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly client: ServiceClient,
    context: WorkerContext,
  ) {
    super(context, { name: 'contact-moves' });
  }

  protected async step(): Promise<boolean> {
    const told = await Promise.all((await this.claim()).map((move) => this.tell(move)));
    return told.includes(true);
  }

  private async claim(): Promise<MoveRow[]> {
    const now = this.clock.now();
    const { rows } = await sql<MoveRow>`
      with due as (
        select id from contacts_moved where due_at <= ${now} order by due_at, id limit ${AT_ONCE} for update skip locked)
      update contacts_moved m set attempts = m.attempts + 1, due_at = ${new Date(now.getTime() + LEASE)} from due where m.id = due.id
      returning m.*`.execute(this.db());
    return rows;
  }

  private async tell(move: MoveRow): Promise<boolean> {
    const { id, account_id: accountId, contact_ids: contactIds, user_id: userId, attempts } = move;
    const after = move.after_user_id
      ? { userId: move.after_user_id, lifecycleVersion: Number(move.after_version) }
      : null;
    const answer = await this.client
      .ask(contactsMoved, { id, accountId, contactIds, userId, after })
      .catch((error: unknown) => {
        this.log.warn({ move: id, attempts, ...safeErrorFields(error) }, 'the contacts of a number have not moved yet');
        return { done: false };
      });
    if (answer.done) await sql`delete from contacts_moved where id = ${id}`.execute(this.db());
    else await this.putOff(move);
    return answer.done;
  }

  private async putOff({ id, attempts }: MoveRow): Promise<void> {
    const pause = AGAIN_AFTER[Math.min(attempts, AGAIN_AFTER.length) - 1]!;
    await sql`
      update contacts_moved set due_at = ${new Date(this.clock.millis() + pause)} where id = ${id} and attempts = ${attempts}`.execute(
      this.db(),
    );
  }

  private db() {
    return this.em.fork().getKysely();
  }
}
