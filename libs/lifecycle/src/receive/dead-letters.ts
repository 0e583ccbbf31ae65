import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Injectable, Optional, type Type } from '@nestjs/common';
import {
  deadLettersOf,
  decodeUserEvent,
  directoryLookup,
  MOST_DEAD_LETTERS,
  replayOf,
  type DeadLetter,
  type DeadLetterRequest,
  type ReplayAnswer,
  type ReplayRequest,
  type UserEvent,
} from '#libs/contracts';
import { Answers, ServiceClient } from '#libs/broker';
import { safeErrorFields, Log } from '#libs/observability';
import { Clock } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import * as inbox from '../inbox/inbox.js';
import { upsertDirectory } from '../inbox/directory-rows.js';
import { RetryWorker } from './retry.worker.js';
import { TaskWorker } from '../later/task.worker.js';
import { UserEvents } from './user-events.consumer.js';

interface DeadLetterRow {
  id: string;
  subject: string;
  data: Buffer;
}

type Refusal = ReplayAnswer['refused'][number];

/** Lists the messages and departures that this service has given up on, and replays them at the operator's request. */
@Injectable()
export class DeadLetters {
  constructor(
    private readonly em: EntityManager,
    private readonly retries: RetryWorker,
    private readonly tasks: TaskWorker,
    private readonly clock: Clock,
    private readonly log: Log,
    @Optional() private readonly events?: UserEvents,
    @Optional() private readonly client?: ServiceClient,
  ) {}

  async list({ data = false }: DeadLetterRequest): Promise<DeadLetter[]> {
    const { rows } = await sql<DeadLetter>`
      select * from (
        select id, 'message' as kind, reason, received_at as since, subject, octet_length(data) as bytes,
          case when ${data} then replace(encode(data, 'base64'), E'\n', '') end as data,
          null::uuid as "accountId", null::uuid as "userId", null as type
        from dead_letter
        union all
        select departure_id, 'departure', coalesce(error, 'unknown'), coalesce(finished_at, received_at), null, null, null,
          account_id, user_id, type
        from inbox where status = 'failed') letters
      order by since, id limit ${MOST_DEAD_LETTERS}`.execute(this.em.fork().getKysely());
    return rows.map((row) => ({
      ...withoutNulls(row),
      since: new Date(row.since).toISOString(),
    }));
  }

  /** Replays each dead letter on its own: a failure does not stop the others. */
  async replay({ ids }: ReplayRequest): Promise<ReplayAnswer> {
    const replayed = await this.retryFailed(ids);
    const waiting = ids === 'all' ? [] : await this.retryWaiting(ids);
    const refused: Refusal[] = [];
    for (const letter of await this.messages(ids)) {
      const reason = await this.redeliver(letter);
      if (reason === undefined) replayed.push(letter.id);
      else refused.push({ id: letter.id, reason });
    }
    this.log.info(
      { replayed: replayed.length, waiting: waiting.length, refused: refused.length },
      'replayed dead letters',
    );
    return { replayed, ...(waiting.length > 0 && { waiting }), refused };
  }

  /** Departures that this service has given up on. */
  private retryFailed(ids: ReplayRequest['ids']): Promise<string[]> {
    return this.restart(sql`i.status = 'failed' and ${chosen(sql`i.departure_id`, ids)}`);
  }

  /** Departures that wait for their next try. */
  private retryWaiting(ids: string[]): Promise<string[]> {
    const later = sql`${this.clock.now()}::timestamptz`;
    return this.restart(sql`${chosen(sql`i.departure_id`, ids)} and (i.status = 'retry' and i.due_at > ${later}
      or i.status = 'running' and exists (select from task t where t.user_id = i.user_id
        and t.lifecycle_version = i.lifecycle_version and t.attempts > 0 and t.due_at > ${later}))`);
  }

  /**
   * Starts the tries again, the first one now: of the tasks of departures that have some; for the others, of the event stored
   * in the inbox.
   */
  private async restart(which: RawBuilder<unknown>): Promise<string[]> {
    const now = this.clock.now();
    const retried = await this.em.fork().transactional(async (em) => {
      const db = em.getKysely();
      const { rows } = await sql<inbox.InboxRow>`
        select * from inbox i where ${which}
        order by user_id, lifecycle_version limit ${MOST_DEAD_LETTERS} for update`.execute(db);
      const resumed = await inbox.resume(db, rows, now);
      const restarted = rows.filter((row) => !resumed.has(inbox.rowKey(row)));
      await sql`
        update inbox i set status = 'retry', due_at = ${now}
        from unnest(${restarted.map((row) => row.user_id)}::uuid[], ${restarted.map((row) => row.lifecycle_version)}::bigint[])
          as n (user_id, lifecycle_version)
        where i.user_id = n.user_id and i.lifecycle_version = n.lifecycle_version`.execute(db);
      return rows;
    });
    this.retries.wake();
    this.tasks.wake();
    return retried.map((row) => row.departure_id);
  }

  private async messages(ids: ReplayRequest['ids']): Promise<DeadLetterRow[]> {
    const { rows } = await sql<DeadLetterRow>`
      select id, subject, data from dead_letter where ${chosen(sql`id`, ids)}
      order by received_at, id limit ${MOST_DEAD_LETTERS}`.execute(this.em.fork().getKysely());
    return rows;
  }

  /**
   * After a crash before the delete, the message is handled once more, which changes nothing.
   * @returns undefined on success, else the reason of the refusal
   */
  private async redeliver({ id, subject, data }: DeadLetterRow): Promise<string | undefined> {
    try {
      if (!(await this.deliver(subject, data))) return 'undecodable';
    } catch (error) {
      this.log.warn({ deadLetterId: id, ...safeErrorFields(error) }, 'a dead letter failed again');
      return 'failed-again';
    }
    await sql`delete from dead_letter where id = ${id}`.execute(this.em.fork().getKysely());
    return undefined;
  }

  /** @returns whether the message could be decoded */
  private async deliver(subject: string, data: Buffer): Promise<boolean> {
    const event = decoded(data);
    if (event && this.events) {
      await this.events.handle([{ subject, data, deliveries: 1, streamSequence: 0 }]);
      return true;
    }
    const person = personIn(data);
    if (!person || !this.client) return false;
    const { people } = await this.client.ask(directoryLookup, {
      accountId: person.accountId,
      userIds: [person.userId],
    });
    await this.em.fork().transactional((em) => upsertDirectory(em.getKysely(), people));
    return true;
  }
}

const withoutNulls = <T extends object>(row: T): T =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T;

const chosen = (column: ReturnType<typeof sql>, ids: ReplayRequest['ids']) =>
  ids === 'all' ? sql`true` : sql`${column}::text = any(${ids}::text[])`;

function decoded(data: Uint8Array): UserEvent | undefined {
  try {
    return decodeUserEvent(data);
  } catch {
    return undefined;
  }
}

/** Reads the ids of a profile that the database rejected. Only they were stored: identity has the newest profile. */
function personIn(data: Buffer): { accountId: string; userId: string } | undefined {
  try {
    const { accountId, userId } = JSON.parse(data.toString()) as { accountId?: unknown; userId?: unknown };
    return typeof accountId === 'string' && typeof userId === 'string' ? { accountId, userId } : undefined;
  } catch {
    return undefined;
  }
}

/** The operator's requests. The operator's broker user has access to no other requests. */
export function deadLettersController(service: string): Type {
  @Controller()
  class DeadLettersController {
    constructor(private readonly letters: DeadLetters) {}

    @Answers(deadLettersOf(service), { acrossAccounts: 'An operator asks about all accounts.' })
    list(request: DeadLetterRequest): Promise<DeadLetter[]> {
      return this.letters.list(request);
    }

    @Answers(replayOf(service), { acrossAccounts: 'An operator asks about all accounts.' })
    replay(request: ReplayRequest): Promise<ReplayAnswer> {
      return this.letters.replay(request);
    }
  }
  return DeadLettersController;
}
