import { Flag, Id, Moment, Nested, PersonFilter, Text, Texts, Url } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'integrations';
const EVENTS =
  'Which events are sent, like `app.installed`. `departure.scheduled`, `.started`, `.completed`, `.failed` and `.cancelled` ' +
  'tell of everybody in the account: only owners and admins may ask for them, and they are sent while the webhook’s owner ' +
  'is one. Not in the order of what happened; each comes at least once, a repetition under the same `webhook-id`.';

const Events = (presence = {}) =>
  Texts(/^(\*|[\w-]+(\.[\w-]+)+)$/, 'the name of an event, like app.installed, or *', { about: EVENTS, ...presence });

export class NewWebhook {
  @Url({ about: 'Where events are posted. Loopback, link-local and private addresses are refused.' }) url: string;
  @Events() events: string[];
  @Id({ optional: true, about: 'The caller unless given.' }) ownerId?: string;
  @Flag({ optional: true, about: 'True unless given.' }) active?: boolean;
}

export class Webhook {
  @Id() id: string;
  @Url() url: string;
  @Events() events: string[];
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Flag({ about: 'Nothing is sent to one that is not active, also not what was waiting.' }) active: boolean;
  @Text({ optional: true, about: 'By which the receiver verifies what it gets. Only in the answer to its creation.' })
  secret?: string;
  @Moment() createdAt: string;
}

export class WebhookQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @Flag({ optional: true }) active?: boolean;
}

export const webhooks = resource({
  service,
  path: '/v1/webhooks',
  noun: 'a webhook',
  thing: Webhook,
  create: NewWebhook,
  query: WebhookQuery,
  errors: ['unknown-user', 'inactive-user', 'forbidden'],
});

export class WebhookChanges {
  @Url({ optional: true }) url?: string;
  @Events({ optional: true }) events?: string[];
  @Flag({ optional: true }) active?: boolean;
  @Id({ optional: true }) ownerId?: string;
}

export const webhookUpdate = operation<Webhook, WebhookChanges>({
  id: 'webhooks.update',
  service,
  method: 'PATCH',
  path: '/v1/webhooks/:id',
  summary: 'Change a webhook; for its owner and for managers',
  body: WebhookChanges,
  answer: Webhook,
  errors: ['not-found', 'forbidden', 'conflict', 'unknown-user', 'inactive-user'],
});

export class WebhookPing {
  @Id() webhookId: string;
  @Id({ about: 'The `webhook-id` header of the delivery.' }) deliveryId: string;
}

export const webhookTest = operation<WebhookPing>({
  id: 'webhooks.test',
  service,
  method: 'POST',
  path: '/v1/webhooks/:id/test',
  summary: 'Send a `ping` event; for the owner and for managers',
  answer: WebhookPing,
  status: 202,
  errors: ['not-found', 'forbidden', 'conflict'],
});
