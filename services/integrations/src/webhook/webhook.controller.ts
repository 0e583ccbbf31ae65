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
  /** Secrets of the webhooks that these calls create: shown in their answers and never again. */
  private readonly fresh = new WeakMap<object, string>();

  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly sealing: Encryption,
    private readonly deliveries: Deliveries,
    private readonly config: IntegrationsConfig,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare(call: Call): Promise<Partial<WebhookRow>> {
    this.refuseClosed((call.body as NewWebhook).url);
    refuseDepartures(call, (call.body as NewWebhook).events);
    const secret = newSecret(this.ids);
    this.fresh.set(call, secret);
    return {
      active: true,
      ...(await super.prepare(call)),
      secret: this.sealing.encrypt(secret, call.principal.accountId),
    };
  }

  override async present(rows: readonly WebhookRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const secret = this.fresh.get(call);
    return secret ? answers.map((answer) => ({ ...answer, secret })) : answers;
  }

  /** One that has been disabled because its owner left becomes active again only with another owner. */
  @Handles(webhookUpdate)
  async update(call: Call<WebhookChanges>): Promise<WebhookView> {
    const { id, accountId, ownerId } = await this.findOwn(call);
    const { body } = call;
    if (body.url) this.refuseClosed(body.url);
    refuseDepartures(call, body.events ?? []);
    if (body.ownerId || body.active) await this.directory.requireActive(accountId, [body.ownerId ?? ownerId]);
    // Its owner may have left since it was read: then it has another one now, or has been disabled.
    const webhook = await this.em.findOne(
      Webhook,
      { id, ownerId },
      { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true },
    );
    if (!webhook) throw new Problem('conflict', { detail: 'The webhook has just been given to somebody else.' });
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

  /** @throws Problem `not-found`, or `forbidden` to whoever is neither its owner nor a manager */
  private async findOwn(call: Pick<Call, 'principal' | 'params'>): Promise<WebhookRow> {
    const webhook = await this.find(call);
    if (webhook.ownerId === call.principal.userId || isManager(call.principal)) return webhook;
    throw new Problem('forbidden', { detail: 'Only the owner of the webhook and managers may do this.' });
  }

  private refuseClosed(url: string): void {
    if (this.config.webhooksAllowPrivate || !isPrivateUrl(url)) return;
    const message = 'url must not lead to a loopback, link-local or private address';
    throw new Problem('validation', { errors: [{ field: 'url', message }] });
  }
}

/** @throws Problem `forbidden`: who leaves is for managers to know */
function refuseDepartures({ principal }: Pick<Call, 'principal'>, events: readonly string[]): void {
  if (isManager(principal) || !events.some((type) => type.startsWith('departure.'))) return;
  throw new Problem('forbidden', { detail: 'Only owners and admins may ask for departures.' });
}
