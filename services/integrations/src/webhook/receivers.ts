import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { Clock } from '#libs/database';
import { isPast, retryAfterMs } from '#libs/jobs';
import { Log } from '#libs/observability';
import type { PostAnswer } from './post.js';

const [SECOND, MINUTE] = [1_000, 60_000];
/** Failures in a row after which a receiver is paused. */
const FAILURES_TO_PAUSE = 5;
/** Milliseconds of the pauses, the first and longer ones each time a probe fails. A receiver that is back is found within this time. */
const PAUSES_MS = [30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE];
/** By failures in a row. */
const PAUSE_AFTER = [...Array<number>(FAILURES_TO_PAUSE - 1).fill(0), ...PAUSES_MS];
/** A pause that was set by a clock this far ahead does not count. Milliseconds. */
const CLOCK_TOLERANCE_MS = 60_000;
const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;

/** A host as one account uses it: what another account does there has no effect on it. */
export interface ReceiverKey {
  accountId: string;
  receiver: string;
}

/**
 * The circuit breaker of each receiver. It opens after repeated time-outs, lost connections and server errors, and for as
 * long as `Retry-After` asks. Then a single delivery is sent as a probe: if it is answered the others follow, if not the
 * next pause is longer. The state is in the database, so that it holds for all replicas and survives restarts.
 */
@Injectable()
export class Receivers {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Records an answer. @returns whether the receiver is paused now, and was not before */
  async answered(to: ReceiverKey, { status, retryAfter }: PostAnswer): Promise<boolean> {
    const isFault = status >= 500 || status === REQUEST_TIMEOUT || status === TOO_MANY_REQUESTS;
    if (isFault) return this.failed(to, retryAfterMs(status, retryAfter, this.clock.now()));
    // A pause that the receiver has asked for stays, although another request was answered meanwhile.
    await sql`
      with well as (
        delete from webhook_receiver r where ${isReceiver(to)} and ${not(isPaused(this.clock.now()))} returning 1)
      update webhook_receiver r set failures = 0, probe_until = null
      where ${isReceiver(to)} and failures > 0 and not exists (select 1 from well)`.execute(this.db());
    return false;
  }

  /** Records that there was no answer. @returns as `answered` */
  unanswered(to: ReceiverKey): Promise<boolean> {
    return this.failed(to, 0);
  }

  private async failed(to: ReceiverKey, askedMs: number): Promise<boolean> {
    const now = this.clock.now();
    const paused = isPaused(now);
    const pause = (failures: RawBuilder<unknown>) => sql`
      ${now}::timestamptz + greatest(${askedMs}::float8,
        (${PAUSE_AFTER}::float8[])[least(${failures}, ${PAUSE_AFTER.length}::int)]) * interval '1 ms'`;
    // Of several requests at the same time the first failure counts: the others began before the pause.
    const { rows } = await sql<{ failures: number; pausedMs: number; was_paused: boolean }>`
      with before as (select ${paused} as was_paused from webhook_receiver r where ${isReceiver(to)})
      insert into webhook_receiver as r (account_id, receiver, failures, paused_at, paused_until)
      values (${to.accountId}, ${to.receiver}, 1, ${now}, ${pause(sql`1`)})
      on conflict (account_id, receiver) do update set
        failures = r.failures + case when ${paused} then 0 else 1 end, probe_until = null, paused_at = ${now},
        paused_until = case when ${paused} then greatest(r.paused_until, ${now}::timestamptz + ${askedMs}::float8 * interval '1 ms')
          else ${pause(sql`r.failures + 1`)} end
      returning failures, extract(epoch from paused_until - ${now}::timestamptz)::float8 * 1000 as "pausedMs",
        coalesce((select was_paused from before), false) as was_paused`.execute(this.db());
    const { failures, pausedMs, was_paused: wasPaused } = rows[0]!;
    if (pausedMs <= 0 || wasPaused) return false;
    this.log.warn({ account: to.accountId, failures, pausedMs }, 'a receiver of webhooks is paused');
    await this.forgetUnused(to.accountId);
    return true;
  }

  /** Receivers that no webhook of the account leads to any more. */
  private async forgetUnused(accountId: string): Promise<void> {
    await sql`
      delete from webhook_receiver r where account_id = ${accountId} and not exists (
        select 1 from webhook w where w.account_id = r.account_id and ${receiverOfWebhook} = r.receiver)`.execute(
      this.db(),
    );
  }

  private db() {
    return this.em.fork().getKysely();
  }
}

/** SQL: the receiver that a row `w` of `webhook` leads to, its host and port. */
export const receiverOfWebhook: RawBuilder<string> = sql`
  coalesce(lower(substring(w.url from '^[A-Za-z]+://(?:[^/?#]*@)?([^/?#]+)')), '')`;

const isReceiver = ({ accountId, receiver }: ReceiverKey) =>
  sql`r.account_id = ${accountId} and r.receiver = ${receiver}`;

const not = (condition: RawBuilder<unknown>) => sql`not ${condition}`;

/** SQL condition about a row `r` of `webhook_receiver`. */
export const isPaused = (now: Date): RawBuilder<unknown> => sql`
  (r.paused_until > ${now} and r.paused_until > r.paused_at and r.paused_at <= ${now}::timestamptz + ${CLOCK_TOLERANCE_MS}::float8 * interval '1 ms')`;

/** SQL condition about `r`: its pause is over, but no probe has been answered yet. */
export const needsProbe: RawBuilder<boolean> = sql`(r.failures >= ${FAILURES_TO_PAUSE}::int)`;

/** SQL condition about `r`: a probe is on its way. */
export const isProbed = (now: Date, leaseMs: number): RawBuilder<unknown> => sql`
  (r.probe_until is not null and not ${isPast(now, 'r.probe_until', leaseMs)})`;
