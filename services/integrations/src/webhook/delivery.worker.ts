import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { safeErrorFields } from '#libs/observability';
import { Ids } from '#libs/database';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { type Db } from '#libs/lifecycle';
import { Encryption } from '#libs/platform';
import { IntegrationsConfig } from '../integrations.config.js';
import { emptyQueues } from './deliveries.js';
import { post } from './post.js';
import { signedHeaders } from './signing.js';

const AT_ONCE = 20;
/** Another replica takes over what one died with. Longer than an attempt may take. */
const LEASE = 60_000;
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** How long to wait after each attempt that failed. After the last one it is given up. */
const RETRY_AFTER = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
const GONE = 410;

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
 * Sends what waits for webhooks: at least once, again after growing pauses, never while the webhook is not active.
 * No transaction is open while it waits for an answer.
 */
@Injectable()
export class DeliveryWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly sealing: Encryption,
    private readonly config: IntegrationsConfig,
    private readonly ids: Ids,
    context: WorkerContext,
  ) {
    super(context, { name: 'webhook-deliveries' });
  }

  protected async step(): Promise<boolean> {
    const claimed = await this.claim();
    await Promise.all(claimed.map((delivery) => this.attempt(delivery)));
    return claimed.length > 0;
  }

  private async claim(): Promise<Claimed[]> {
    const now = this.clock.now();
    const { rows } = await sql<Claimed>`
      with due as (
        select d.id, w.account_id, w.url, w.secret from webhook_delivery d join webhook w on w.id = d.webhook_id and w.active
        where d.due_at <= ${now} order by d.due_at limit ${AT_ONCE} for update of d skip locked)
      update webhook_delivery d set attempts = d.attempts + 1, due_at = ${new Date(now.getTime() + LEASE)}
      from due where d.id = due.id
      returning d.id, d.webhook_id, due.account_id, due.url, due.secret, d.body, d.attempts`.execute(this.db());
    return rows;
  }

  private async attempt(delivery: Claimed): Promise<void> {
    const { id, webhook_id: webhookId, attempts } = delivery;
    const outcome = await this.send(delivery).then(
      (status) => ({ status, done: status >= 200 && status < 300 }),
      (error: unknown) => ({ ...safeErrorFields(error), status: undefined, done: false }),
    );
    if (outcome.done) return this.forget(id);
    this.log.warn({ delivery: id, webhook: webhookId, attempts, ...outcome }, 'a webhook was not delivered');
    if (outcome.status === GONE) return this.disable(webhookId);
    const pause = RETRY_AFTER[attempts - 1];
    if (pause === undefined) return this.forget(id);
    const dueAt = new Date(this.clock.millis() + pause * (1 + this.ids.fraction() / 10));
    await sql`update webhook_delivery set due_at = ${dueAt} where id = ${id} and attempts = ${attempts}`.execute(
      this.db(),
    );
  }

  private async send({ id, account_id: accountId, url, secret, body }: Claimed): Promise<number> {
    const headers = signedHeaders(this.sealing.decrypt(secret, accountId), id, this.clock.now(), body);
    return post({ url, headers, body, allowPrivate: this.config.webhooksAllowPrivate });
  }

  private async forget(id: string): Promise<void> {
    await sql`delete from webhook_delivery where id = ${id}`.execute(this.db());
  }

  /** The receiver says that there will never be anybody at this address again. */
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
