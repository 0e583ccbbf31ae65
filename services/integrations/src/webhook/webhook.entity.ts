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
    /** Encrypted. Deliveries are also signed with it until `formerSecretUntil`. */
    formerSecret: p.text().nullable(),
    formerSecretUntil: p.datetime().nullable(),
    /** Incremented by each change, so that a response to an earlier version has no effect. */
    version: p.integer().default(1),
    createdAt: p.datetime(),
  },
});
export type WebhookRow = InferEntity<typeof Webhook>;
