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
    /** Encrypted. Null after another person has taken the owner over: an inactive webhook until its secret is rotated. */
    secret: p.text().nullable(),
    /** Encrypted. Deliveries are also signed with it until `formerSecretUntil`. */
    formerSecret: p.text().nullable(),
    formerSecretUntil: p.datetime().nullable(),
    /** Incremented by each change, so that a response to an earlier version has no effect. */
    version: p.integer().default(1),
    createdAt: p.datetime(),
    /** When its secret was rotated. */
    grantedAt: p.datetime().nullable(),
  },
});
export type WebhookRow = InferEntity<typeof Webhook>;
