import { Flag, Id, Moment, Nested, PersonFilter, Text, Texts, Url, Whole } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';
import { EVERY_EVENT, isForManagers, WEBHOOK_EVENTS } from './webhook-events.js';

const service = 'integrations';

const named = (forManagers: boolean) =>
  Object.keys(WEBHOOK_EVENTS)
    .filter((type) => isForManagers(type) === forManagers)
    .map((type) => `\`${type}\``)
    .join(', ');

const EVENTS =
  `The events to send: ${named(false)}; for owners and admins also ${named(true)}. \`${EVERY_EVENT}\` stands for every event ` +
  'that the owner of the webhook may see. Events about departures concern all users of the account: only owners and admins ' +
  'may subscribe to them, and they are only sent while the webhook’s owner is one. A user who is neither may use ' +
  `\`${EVERY_EVENT}\` for webhooks of their own. Each event is sent at least once, repetitions with the same \`webhook-id\`, ` +
  'in no particular order.';

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
  @Text({
    optional: true,
    about:
      'The secret for verifying signatures. Only returned when the webhook is created and when the secret is rotated.',
  })
  secret?: string;
  @Moment({ nullable: true, about: 'Until then deliveries are signed with the former secret, too.' })
  formerSecretUntil: string | null;
  @Moment() createdAt: string;
}

export class WebhookQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @Flag({ optional: true }) active?: boolean;
}

export const webhooks = resource({
  service,
  path: '/v1/webhooks',
  access: { create: 'signed-in', list: 'signed-in', get: 'record-owner-or-manager', remove: 'record-owner-or-manager' },
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

/** Hours for which a rotated secret goes on signing, unless the request says otherwise. */
export const FORMER_SECRET_HOURS = 24;

export class SecretRotation {
  @Whole({
    min: 0,
    max: 168,
    optional: true,
    about: `Hours for which the former secret remains valid. Default: ${FORMER_SECRET_HOURS}. 0 if somebody else knows it.`,
  })
  keepFormerHours?: number;
}

export const webhookRotateSecret = operation<Webhook, SecretRotation>({
  id: 'webhooks.rotateSecret',
  service,
  method: 'POST',
  access: 'record-owner-or-manager',
  path: '/v1/webhooks/:id/rotate-secret',
  summary:
    'Replace the secret of a webhook and return the new one. Until the former secret expires, `webhook-signature` holds a ' +
    'signature by each of the two, separated by a space; for the owner of the webhook, and owners and admins of the account',
  body: SecretRotation,
  bodyOptional: true,
  answer: Webhook,
  status: 200,
  errors: ['not-found', 'forbidden'],
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
