import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  EVERY_EVENT,
  FORMER_SECRET_HOURS,
  isForManagers,
  isManager,
  Problem,
  webhookRotateSecret,
  webhooks,
  webhookTest,
  webhookUpdate,
  type Call,
  type NewWebhook,
  type SecretRotation,
  type Webhook as WebhookView,
  type WebhookChanges,
  type WebhookPing,
} from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { isPrivateUrl, plainResource, Encryption } from '#libs/platform';
import { IntegrationsConfig } from '../integrations.config.js';
import { Deliveries, emptyQueues } from './deliveries.js';
import { newSecret } from './signing.js';
import { Webhook, type WebhookRow } from './webhook.entity.js';

const HOUR_MS = 3_600_000;

const base = plainResource(webhooks, {
  entity: Webhook,
  shown: ['url', 'events', 'active', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

@Controller()
export class WebhookController extends base {
  /** Secrets created by these calls. They are returned only in the responses to these calls. */
  private readonly fresh = new WeakMap<object, string>();

  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly encryption: Encryption,
    private readonly deliveries: Deliveries,
    private readonly config: IntegrationsConfig,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare(call: Call): Promise<Partial<WebhookRow>> {
    this.refusePrivate((call.body as NewWebhook).url);
    this.requireMaySubscribe(call, { ownerId: call.principal.userId, ...(call.body as NewWebhook) });
    const secret = newSecret(this.ids);
    this.fresh.set(call, secret);
    return {
      active: true,
      ...(await super.prepare(call)),
      secret: this.encryption.encrypt(secret, call.principal.accountId),
    };
  }

  override async present(rows: readonly WebhookRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const now = this.clock.now();
    const answers = (await super.present(rows, call)).map((answer, index) => {
      const until = rows[index]!.formerSecretUntil;
      return { ...answer, formerSecretUntil: until && until > now ? until.toISOString() : null };
    });
    const secret = this.fresh.get(call);
    return secret ? answers.map((answer) => ({ ...answer, secret })) : answers;
  }

  /** A webhook that was disabled by its owner's departure can be activated again only with another owner. */
  @Handles(webhookUpdate)
  async update(call: Call<WebhookChanges>): Promise<WebhookView> {
    const { id, accountId, ownerId, events } = await this.findToChange('update', call);
    const { body } = call;
    if (body.url) this.refusePrivate(body.url);
    if (body.events || body.ownerId) this.requireMaySubscribe(call, { events, ownerId, ...body });
    if (body.ownerId || body.active) await this.directory.requireActive(accountId, [body.ownerId ?? ownerId]);
    // The owner may have left since the row was read: then the webhook has another owner now or is disabled.
    const webhook = await this.em.findOne(
      Webhook,
      { id, ownerId },
      { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true },
    );
    if (!webhook)
      throw new Problem('conflict', {
        detail: 'This webhook was transferred by another request. Reload it and try again.',
      });
    if (body.active && webhook.secret === null) throw withoutSecret();
    const isHandedOver = body.ownerId !== undefined && body.ownerId !== ownerId;
    this.em.assign(webhook, {
      ...body,
      ...(isHandedOver && { grantedAt: this.clock.now() }),
      version: webhook.version + 1,
    });
    await this.em.flush();
    if (!webhook.active) await emptyQueues(this.em.getKysely(), [id]);
    return (await this.present([webhook], call))[0] as WebhookView;
  }

  /** The secret before the former one is no longer valid. */
  @Handles(webhookRotateSecret)
  async rotateSecret(call: Call<SecretRotation>): Promise<WebhookView> {
    const { id, accountId } = await this.findToChange('rotate-secret', call);
    const { keepFormerHours = FORMER_SECRET_HOURS } = call.body;
    const webhook = await this.em.findOneOrFail(
      Webhook,
      { id },
      { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true },
    );
    const secret = newSecret(this.ids);
    this.fresh.set(call, secret);
    const isKept = keepFormerHours > 0 && webhook.secret !== null;
    this.em.assign(webhook, {
      secret: this.encryption.encrypt(secret, accountId),
      grantedAt: this.clock.now(),
      formerSecret: isKept ? webhook.secret : null,
      formerSecretUntil: isKept ? new Date(this.clock.millis() + keepFormerHours * HOUR_MS) : null,
    });
    await this.em.flush();
    return (await this.present([webhook], call))[0] as WebhookView;
  }

  @Handles(webhookTest)
  async test(call: Call): Promise<WebhookPing> {
    const { id } = await this.findToChange('test', call);
    return { webhookId: id, deliveryId: await this.deliveries.send(id, 'ping', { webhookId: id }) };
  }

  /** @throws Problem `not-found`, `forbidden` */
  private async findToChange(verb: string, call: Pick<Call, 'principal' | 'params'>): Promise<WebhookRow> {
    const webhook = await this.find(call);
    await this.requireMay(verb, webhook, call);
    return webhook;
  }

  /**
   * Users who are not managers cannot subscribe to events for managers, nor get them through a webhook that they give to a
   * manager.
   * @throws Problem `forbidden`
   */
  private requireMaySubscribe(
    { principal }: Pick<Call, 'principal'>,
    { events, ownerId }: { events: readonly string[]; ownerId: string },
  ): void {
    if (isManager(principal)) return;
    if (events.some(isForManagers))
      throw new Problem('forbidden', { detail: 'Only owners and admins may subscribe to these events.' });
    if (events.includes(EVERY_EVENT) && ownerId !== principal.userId)
      throw new Problem('forbidden', {
        detail: 'Only owners and admins may subscribe another user’s webhook to all events.',
      });
  }

  private refusePrivate(url: string): void {
    if (this.config.webhooksAllowPrivate || !isPrivateUrl(url)) return;
    const message = 'url must not target a loopback, link-local or private address';
    throw new Problem('validation', { errors: [{ field: 'url', message }] });
  }
}

const withoutSecret = () =>
  new Problem('conflict', {
    detail: 'The webhook has had no secret since another person took its owner over. Rotate the secret first.',
  });
