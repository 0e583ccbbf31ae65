import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Worker, WorkerContext } from '#libs/jobs';
import { type Db } from '#libs/lifecycle';
import { Encryption } from '#libs/platform';
import { IntegrationsConfig } from '../integrations.config.js';
import { emptyQueues } from './deliveries.js';
import { post } from './post.js';
import { signedHeaders } from './signing.js';

const CONCURRENCY = 20;
/** Below the concurrency, so that slow receivers do not hold up the others. */
const BATCH_SIZE = 10;
/** Longer than one attempt may take. */
const LEASE_MS = 60_000;
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** Delays add up to several days, so that a receiver may be down over a weekend. */
const RETRY = {
  delaysMs: [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
  jitter: 0.1,
};
const GONE = 410;

/** The receiver answered with a status other than 2xx. */
class NotAccepted extends Error {
  readonly code: string;

  constructor(status: number) {
    super('The receiver did not accept the delivery');
    this.code = `HTTP_${status}`;
  }
}

interface Claimed {
  id: string;
  webhook_id: string;
  account_id: string;
  url: string;
  secret: string;
  body: string;
  attempts: number;
}

/**
 * Sends queued deliveries at least once, retries with growing delays, and sends nothing while the webhook is inactive.
 * No transaction is open during a request.
 */
@Injectable()
export class DeliveryWorker extends Worker<Claimed> {
  constructor(
    private readonly em: EntityManager,
    private readonly encryption: Encryption,
    private readonly config: IntegrationsConfig,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'webhook-deliveries',
      batchSize: BATCH_SIZE,
      concurrency: CONCURRENCY,
      leaseMs: LEASE_MS,
      retry: RETRY,
    });
  }

  protected override async claim(limit: number): Promise<Claimed[]> {
    const { rows } = await sql<Claimed>`
      with due as (
        select d.id, w.account_id, w.url, w.secret from webhook_delivery d join webhook w on w.id = d.webhook_id and w.active
        where d.due_at <= ${this.clock.now()} order by d.due_at limit ${limit} for update of d skip locked)
      update webhook_delivery d set attempts = d.attempts + 1, due_at = ${this.leaseUntil()}
      from due where d.id = due.id
      returning d.id, d.webhook_id, due.account_id, due.url, due.secret, d.body, d.attempts`.execute(this.db());
    return rows;
  }

  protected override async run(delivery: Claimed): Promise<void> {
    const { id, webhook_id: webhookId } = delivery;
    const status = await this.send(delivery);
    if (status === GONE) {
      this.log.info({ webhook: webhookId, status }, 'webhook disabled: its receiver answered 410');
      return this.disable(webhookId);
    }
    if (status < 200 || status >= 300) throw new NotAccepted(status);
    await this.remove(id);
  }

  protected override async failed({ id, attempts }: Claimed): Promise<Date | undefined> {
    const retryAt = this.retryAt(attempts - 1);
    if (!retryAt) await this.remove(id);
    else
      await sql`update webhook_delivery set due_at = ${retryAt} where id = ${id} and attempts = ${attempts}`.execute(
        this.db(),
      );
    return retryAt;
  }

  protected override about({ id, webhook_id: webhook, attempts }: Claimed): object {
    return { delivery: id, webhook, attempts };
  }

  private async send({ id, account_id: accountId, url, secret, body }: Claimed): Promise<number> {
    const headers = signedHeaders(this.encryption.decrypt(secret, accountId), id, this.clock.now(), body);
    return post({ url, headers, body, allowPrivate: this.config.webhooksAllowPrivate });
  }

  private async remove(id: string): Promise<void> {
    await sql`delete from webhook_delivery where id = ${id}`.execute(this.db());
  }

  /** The receiver has answered 410: the address is gone for good. */
  private disable(webhookId: string): Promise<void> {
    return this.em.fork().transactional(async (em) => {
      await sql`update webhook set active = false where id = ${webhookId}`.execute(em.getKysely());
      await emptyQueues(em.getKysely(), [webhookId]);
    });
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}
