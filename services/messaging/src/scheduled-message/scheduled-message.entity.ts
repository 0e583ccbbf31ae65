import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { ScheduledMessageStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** `ownerId` is the owner of the personal inbox that it is sent from; for a shared inbox, the user who scheduled it or moved it there. */
export const ScheduledMessage = defineEntity({
  name: 'ScheduledMessage',
  tableName: 'scheduled_message',
  properties: {
    ...tenantRow(),
    inboxId: p.uuid(),
    contactIds: p.array().columnType('uuid[]'),
    text: p.text(),
    at: p.datetime(),
    status: p.text().$type<ScheduledMessageStatus>(),
    ownerId: userRef(),
    scheduledBy: userRef(),
    teamIds: p.array().columnType('uuid[]'),
    createdAt: p.datetime(),
  },
});
export type ScheduledMessageRow = InferEntity<typeof ScheduledMessage>;
