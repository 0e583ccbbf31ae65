import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { Clock } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { emptyQueues } from './deliveries.js';
import { isPaused, isProbed, needsProbe, receiverOfWebhook, type ReceiverKey } from './receivers.js';

/** Longer than an attempt may take. */
export const LEASE_MS = 60_000;
/** Deliveries that one replica has under way at the same time to a host for one account, for one account, and to a host. */
const LIMITS = { receiver: 4, account: 10, host: 20 };
/** Deliveries that one failed probe puts off at once. */
const MOST_PUT_OFF = 10_000;

/** A delivery with its webhook as it is now. */
export interface Claimed extends ReceiverKey {
  id: string;
  webhookId: string;
  url: string;
  version: number;
  secret: string;
  formerSecret: string | null;
  formerSecretUntil: string | null;
  events: string[];
  ownerIsManager: boolean;
  body: string;
  attempts: number;
}

export type UnderWay = Pick<Claimed, 'id' | 'accountId' | 'receiver'>;

/**
 * The rows of `webhook_delivery`. Each webhook has a queue of its own, and a claim takes from all of them in turn: an
 * account or a receiver with many deliveries, or one that is slow to answer, does not hold up the others.
 */
@Injectable()
export class DeliveryQueue {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes deliveries that are due, as far as their receivers are not paused and the limits allow.
   * @param isDue SQL condition about a row of `webhook_delivery`
   */
  async claim(limit: number, isDue: RawBuilder<unknown>, underWay: readonly UnderWay[]): Promise<Claimed[]> {
    const now = this.clock.now();
    const leaseUntil = new Date(now.getTime() + LEASE_MS);
    const { rows } = await sql<Claimed>`
      with recursive queue (webhook_id) as (
        -- The webhooks that something waits for, one look into the index each.
        (select webhook_id from webhook_delivery order by webhook_id limit 1)
        union all
        select (select d.webhook_id from webhook_delivery d where d.webhook_id > q.webhook_id order by d.webhook_id limit 1)
        from queue q where q.webhook_id is not null
      ), busy as materialized (
        select * from unnest(${underWay.map(({ id }) => id)}::uuid[], ${underWay.map(({ accountId }) => accountId)}::uuid[],
          ${underWay.map(({ receiver }) => receiver)}::text[]) as b (id, account_id, receiver)
      ), candidate as materialized (
        select d.id, d.due_at, w.account_id, ${receiverOfWebhook} as receiver, coalesce(${needsProbe}, false) as probe
        from queue q join webhook w on w.id = q.webhook_id and w.active
        left join webhook_receiver r on r.account_id = w.account_id and r.receiver = ${receiverOfWebhook}
        cross join lateral (
          select id, due_at from webhook_delivery
          where webhook_id = w.id and ${isDue} and id not in (select id from busy)
          order by due_at limit ${LIMITS.receiver} for update skip locked) d
        where r.account_id is null
          or (not ${isPaused(now)} and not (${needsProbe} and ${isProbed(now, LEASE_MS)}))
      ), by_receiver as (
        select c.*, row_number() over (partition by account_id, receiver order by due_at)
          + (select count(*) from busy b where b.account_id = c.account_id and b.receiver = c.receiver) as nth_of_receiver
        from candidate c
      ), by_account as (
        select c.*, row_number() over (partition by account_id order by due_at)
          + (select count(*) from busy b where b.account_id = c.account_id) as nth_of_account
        from by_receiver c where nth_of_receiver <= case when probe then 1 else ${LIMITS.receiver}::int end
      ), by_host as (
        select c.*, row_number() over (partition by receiver order by nth_of_account, due_at)
          + (select count(*) from busy b where b.receiver = c.receiver) as nth_at_host
        from by_account c where nth_of_account <= ${LIMITS.account}::int
      ), due as materialized (
        select * from by_host where nth_at_host <= ${LIMITS.host}::int order by nth_of_account, due_at limit ${limit}
      ), probed as (
        update webhook_receiver r set probe_until = ${leaseUntil} from due
        where due.probe and r.account_id = due.account_id and r.receiver = due.receiver
      )
      update webhook_delivery d set attempts = d.attempts + 1, due_at = ${leaseUntil}
      from due, webhook w left join directory o on o.user_id = w.owner_id
      where d.id = due.id and w.id = d.webhook_id
      returning d.id, d.webhook_id as "webhookId", w.account_id as "accountId", due.receiver, w.url, w.version, w.secret,
        w.former_secret as "formerSecret", w.former_secret_until as "formerSecretUntil", w.events, d.body, d.attempts,
        coalesce(o.status = 'active' and o.is_manager, false) as "ownerIsManager"`.execute(this.db());
    return rows;
  }

  async remove(id: string): Promise<void> {
    await sql`delete from webhook_delivery where id = ${id}`.execute(this.db());
  }

  /**
   * After an attempt that failed: the delivery is due at `retryAt`, and given up without it. If the webhook has changed
   * since it was sent, the attempt does not count and the delivery is due at once.
   * @returns when it is due; nothing when it is given up
   */
  async reschedule(sent: Claimed, retryAt: Date | undefined): Promise<Date | undefined> {
    const mine = sql`d.id = ${sent.id} and d.attempts = ${sent.attempts} and w.id = d.webhook_id`;
    if (!retryAt) {
      const { numAffectedRows } = await sql`
        delete from webhook_delivery d using webhook w where ${mine} and ${isUnchanged(sent)}`.execute(this.db());
      if (numAffectedRows) return undefined;
    }
    const { rows } = await sql<{ at: string }>`
      update webhook_delivery d set
        due_at = case when ${isUnchanged(sent)} then ${retryAt ?? null}::timestamptz else ${this.clock.now()}::timestamptz end,
        attempts = case when ${isUnchanged(sent)} then d.attempts else d.attempts - 1 end
      from webhook w where ${mine} and (${retryAt ?? null}::timestamptz is not null or not ${isUnchanged(sent)})
      returning d.due_at as at`.execute(this.db());
    return rows[0] ? new Date(rows[0].at) : retryAt;
  }

  /**
   * A probe that failed counts as an attempt of everything that waits for the same receiver: a queue that nobody takes
   * anything from must not grow for ever.
   * @returns how many deliveries were given up
   */
  async putOff({ accountId, receiver }: ReceiverKey, delaysMs: readonly number[], jitter: number): Promise<number> {
    const now = this.clock.now();
    const { rows } = await sql<{ n: number }>`
      with waiting as materialized (
        select d.id from webhook w join webhook_delivery d on d.webhook_id = w.id
        where w.account_id = ${accountId} and ${receiverOfWebhook} = ${receiver} and d.due_at <= ${now}
        order by d.due_at limit ${MOST_PUT_OFF} for update of d skip locked
      ), given_up as (
        delete from webhook_delivery d using waiting where d.id = waiting.id and d.attempts >= ${delaysMs.length}::int
        returning 1
      ), later as (
        update webhook_delivery d set attempts = d.attempts + 1, due_at = ${now}::timestamptz
          + (${[...delaysMs]}::float8[])[d.attempts + 1] * (1 + ${jitter}::float8 * (hashtext(d.id::text) & 1023) / 1024) * interval '1 ms'
        from waiting where d.id = waiting.id and d.attempts < ${delaysMs.length}::int
      )
      select count(*)::int as n from given_up`.execute(this.db());
    return rows[0]!.n;
  }

  /**
   * The receiver says that this address is gone for good.
   * @returns false when the webhook has changed since it was sent to: the answer is about what it was before
   */
  disable(sent: Claimed): Promise<boolean> {
    return this.em.fork().transactional(async (em) => {
      const { rows } = await sql`
        update webhook w set active = false, version = version + 1
        where id = ${sent.webhookId} and active and ${isUnchanged(sent)} returning id`.execute(em.getKysely());
      if (rows.length === 0) return false;
      await emptyQueues(em.getKysely(), [sent.webhookId]);
      return true;
    });
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}

/** A replica of the release before changes the URL without counting the version. */
const isUnchanged = ({ version, url }: Claimed) => sql`(w.version = ${version}::int and w.url = ${url})`;
