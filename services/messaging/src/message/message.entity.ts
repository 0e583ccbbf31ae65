import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { MessageDirection, MessageStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** A text between the account and a contact. `sentBy` is null if the contact has written it. */
export const Message = defineEntity({
  name: 'Message',
  tableName: 'message',
  properties: {
    ...tenantRow(),
    inboxId: p.uuid(),
    conversationId: p.uuid(),
    contactId: p.uuid(),
    direction: p.text().$type<MessageDirection>(),
    text: p.text(),
    sentBy: userRef().nullable(),
    status: p.text().$type<MessageStatus>(),
    createdAt: p.datetime(),
  },
});
export type MessageRow = InferEntity<typeof Message>;
