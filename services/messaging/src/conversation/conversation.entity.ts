import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { ConversationStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const Conversation = defineEntity({
  name: 'Conversation',
  tableName: 'conversation',
  properties: {
    ...tenantRow(),
    inboxId: p.uuid(),
    contactId: p.uuid(),
    assignee: userRef().nullable(),
    status: p.text().$type<ConversationStatus>(),
    createdAt: p.datetime(),
  },
});
export type ConversationRow = InferEntity<typeof Conversation>;
