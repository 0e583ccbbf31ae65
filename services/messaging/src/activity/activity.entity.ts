import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

/** Records that a message was sent, delivered or answered: one row for each, never changed. */
export const ActivityEntry = defineEntity({
  name: 'ActivityEntry',
  tableName: 'message_activity',
  properties: {
    ...tenantRow(),
    messageId: p.uuid(),
    kind: p.text().$type<'sent' | 'delivered' | 'replied'>(),
    userId: userRef(),
    teamIds: p.array().columnType('uuid[]'),
    inboxId: p.uuid(),
    contactId: p.uuid(),
    sentAt: p.datetime(),
    at: p.datetime(),
  },
});
