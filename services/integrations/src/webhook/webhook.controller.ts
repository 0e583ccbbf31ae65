import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  isManager,
  Problem,
  webhooks,
  webhookTest,
  webhookUpdate,
  type Call,
  type NewWebhook,
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

const base = plainResource(webhooks, {
  entity: Webhook,
  shown: ['url', 'events', 'active', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  own: true,
});

@Controller()
export class WebhookController extends base {
  /** Secrets of webhooks created by these calls. They are returned only in the response to the creation. */
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
    refuseDepartures(call, (call.body as NewWebhook).events);
    const secret = newSecret(this.ids);
    this.fresh.set(call, secret);
    return {
      active: true,
      ...(await super.prepare(call)),
      secret: this.encryption.encrypt(secret, call.principal.accountId),
    };
  }

  override async present(rows: readonly WebhookRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const secret = this.fresh.get(call);
    return secret ? answers.map((answer) => ({ ...answer, secret })) : answers;
  }

  /** A webhook that was disabled by its owner's departure can be activated again only with another owner. */
  @Handles(webhookUpdate)
  async update(call: Call<WebhookChanges>): Promise<WebhookView> {
    const { id, accountId, ownerId } = await this.findOwn(call);
    const { body } = call;
    if (body.url) this.refusePrivate(body.url);
    refuseDepartures(call, body.events ?? []);
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
    this.em.assign(webhook, body);
    await this.em.flush();
    if (!webhook.active) await emptyQueues(this.em.getKysely(), [id]);
    return (await this.present([webhook], call))[0] as WebhookView;
  }

  @Handles(webhookTest)
  async test(call: Call): Promise<WebhookPing> {
    const { id } = await this.findOwn(call);
    return { webhookId: id, deliveryId: await this.deliveries.send(id, 'ping', { webhookId: id }) };
  }

  /** @throws Problem `not-found`, or `forbidden` for a user who is neither its owner nor a manager */
  private async findOwn(call: Pick<Call, 'principal' | 'params'>): Promise<WebhookRow> {
    const webhook = await this.find(call);
    if (webhook.ownerId === call.principal.userId || isManager(call.principal)) return webhook;
    throw new Problem('forbidden', { detail: 'Only the owner of the webhook and managers may do this.' });
  }

  private refusePrivate(url: string): void {
    if (this.config.webhooksAllowPrivate || !isPrivateUrl(url)) return;
    const message = 'url must not target a loopback, link-local or private address';
    throw new Problem('validation', { errors: [{ field: 'url', message }] });
  }
}

/** @throws Problem `forbidden`: departures are visible only to managers */
function refuseDepartures({ principal }: Pick<Call, 'principal'>, events: readonly string[]): void {
  if (isManager(principal) || !events.some((type) => type.startsWith('departure.'))) return;
  throw new Problem('forbidden', { detail: 'Only owners and admins may subscribe to departure events.' });
}
