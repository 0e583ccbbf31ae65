import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

/** What the team notes on a conversation; the contact never sees it. */
export const InternalNote = defineEntity({
  name: 'InternalNote',
  tableName: 'internal_note',
  properties: {
    ...tenantRow(),
    conversationId: p.uuid().nullable(),
    text: p.text(),
    author: userRef(),
    createdAt: p.datetime(),
  },
});
export type InternalNoteRow = InferEntity<typeof InternalNote>;
