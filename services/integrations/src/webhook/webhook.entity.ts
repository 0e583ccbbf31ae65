import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const Webhook = defineEntity({
  name: 'Webhook',
  tableName: 'webhook',
  properties: {
    ...tenantRow(),
    url: p.text(),
    events: p.array(),
    ownerId: userRef(),
    active: p.boolean(),
    /** Encrypted. */
    secret: p.text(),
    createdAt: p.datetime(),
  },
});
export type WebhookRow = InferEntity<typeof Webhook>;
