import { Flag, Id, Moment, Nested, PersonFilter, Text, Texts, Url } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'integrations';
const EVENTS =
  'The events to send, like `app.installed`. `departure.scheduled`, `.started`, `.completed`, `.failed` and `.cancelled` ' +
  'concern all users of the account: only owners and admins may subscribe to them, and they are only sent while the ' +
  'webhook’s owner is one. Each event is sent at least once, repetitions with the same `webhook-id`, in no particular order.';

const Events = (presence = {}) =>
  Texts(/^(\*|[\w-]+(\.[\w-]+)+)$/, 'the name of an event, like app.installed, or *', { about: EVENTS, ...presence });

export class NewWebhook {
  @Url({ about: 'The URL that events are posted to. Loopback, link-local and private addresses are refused.' })
  url: string;
  @Events() events: string[];
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
  @Flag({ optional: true, about: 'Default: true.' }) active?: boolean;
}

export class Webhook {
  @Id() id: string;
  @Url() url: string;
  @Events() events: string[];
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Flag({ about: 'An inactive webhook gets no events. Events that are waiting are dropped.' }) active: boolean;
  @Text({ optional: true, about: 'The secret for verifying signatures. Only returned when the webhook is created.' })
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
  access: { create: 'signed-in', list: 'signed-in', get: 'signed-in', remove: 'record-owner-or-manager' },
  noun: 'a webhook',
  plural: 'webhooks',
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
  access: 'record-owner-or-manager',
  path: '/v1/webhooks/:id',
  summary: 'Change a webhook; for its owner, and owners and admins of the account',
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
  access: 'record-owner-or-manager',
  path: '/v1/webhooks/:id/test',
  summary: 'Send a `ping` event; for the owner of the webhook, and owners and admins of the account',
  answer: WebhookPing,
  status: 202,
  errors: ['not-found', 'forbidden', 'conflict'],
});
