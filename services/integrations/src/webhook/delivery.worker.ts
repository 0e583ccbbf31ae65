import { Injectable } from '@nestjs/common';
import { isForManagers } from '#libs/contracts';
import { Worker, WorkerContext } from '#libs/jobs';
import { Metrics } from '#libs/observability';
import { Encryption } from '#libs/platform';
import { IntegrationsConfig } from '../integrations.config.js';
import { DeliveryQueue, LEASE_MS, type Claimed } from './delivery-queue.js';
import { post, type PostAnswer } from './post.js';
import { Receivers } from './receivers.js';
import { signedHeaders } from './signing.js';

/** Waiting for a response is cheap. The queue limits how many attempts an account and a receiver may have under way. */
const CONCURRENCY = 100;
const BATCH_SIZE = 20;
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

/**
 * Sends queued deliveries at least once, retries with growing delays, and sends nothing while the webhook is inactive.
 * No transaction is open during a request.
 */
@Injectable()
export class DeliveryWorker extends Worker<Claimed> {
  private readonly underWay = new Set<Claimed>();
  private readonly givenUp;

  constructor(
    private readonly queue: DeliveryQueue,
    private readonly receivers: Receivers,
    private readonly encryption: Encryption,
    private readonly config: IntegrationsConfig,
    metrics: Metrics,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'webhook-deliveries',
      wokenBy: ['webhook_delivery', 'webhook', 'webhook_receiver'],
      batchSize: BATCH_SIZE,
      concurrency: CONCURRENCY,
      leaseMs: LEASE_MS,
      retry: RETRY,
    });
    this.givenUp = metrics.counter('leaver_webhook_given_up_total', 'Deliveries that were dropped after the last try.');
  }

  protected override claim(limit: number): Promise<Claimed[]> {
    return this.queue.claim(limit, this.isDue(), [...this.underWay]);
  }

  /** The end of an attempt makes room for another one of the same receiver or account. */
  protected override start(delivery: Claimed): Promise<void> {
    this.underWay.add(delivery);
    return super.start(delivery).finally(() => {
      this.underWay.delete(delivery);
      this.wake();
    });
  }

  protected override async run(delivery: Claimed): Promise<void> {
    // Its owner, or what the owner may see, can have changed since the event was queued.
    if (!mayReceive(delivery)) return this.queue.remove(delivery.id);
    const { status } = await this.send(delivery);
    if (status === GONE && (await this.queue.disable(delivery)))
      return this.log.info({ webhook: delivery.webhookId, status }, 'webhook disabled: its receiver answered 410');
    if (status < 200 || status >= 300) throw new NotAccepted(status);
    await this.queue.remove(delivery.id);
  }

  protected override async failed(delivery: Claimed): Promise<Date | undefined> {
    const retryAt = await this.queue.reschedule(delivery, this.retryAt(delivery.attempts - 1));
    if (!retryAt) this.givenUp.inc();
    return retryAt;
  }

  protected override about({ id, webhookId: webhook, attempts }: Claimed): object {
    return { delivery: id, webhook, attempts };
  }

  private async send(delivery: Claimed): Promise<PostAnswer> {
    const { url, body } = delivery;
    const allowPrivate = this.config.webhooksAllowPrivate;
    const answer = await post({ url, body, headers: this.headersOf(delivery), allowPrivate }).catch(
      async (error: unknown) => {
        if (await this.receivers.unanswered(delivery)) await this.putOff(delivery);
        throw error;
      },
    );
    if (await this.receivers.answered(delivery, answer)) await this.putOff(delivery);
    return answer;
  }

  private async putOff(delivery: Claimed): Promise<void> {
    this.givenUp.inc(await this.queue.putOff(delivery, RETRY.delaysMs, RETRY.jitter));
  }

  private headersOf({ id, accountId, body, ...webhook }: Claimed): Record<string, string> {
    const at = this.clock.now();
    const { secret, formerSecret, formerSecretUntil } = webhook;
    const isValid = formerSecret !== null && new Date(formerSecretUntil!) > at;
    const secrets = [secret, ...(isValid ? [formerSecret] : [])].map((encrypted) =>
      this.encryption.decrypt(encrypted, accountId),
    );
    return signedHeaders(secrets, { id, at, body });
  }
}

const mayReceive = ({ body, ownerIsManager }: Claimed): boolean => {
  const { type } = JSON.parse(body) as { type: string };
  return ownerIsManager || !isForManagers(type);
};
