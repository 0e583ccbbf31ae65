import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

/** A team note on a conversation that the contact never sees. */
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
