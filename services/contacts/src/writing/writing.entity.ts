import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

/** Columns of a note, comment or file about a record or a contact, with which it is deleted. */
const writing = () => ({
  ...tenantRow(),
  recordId: p.uuid().nullable(),
  contactId: p.uuid().nullable(),
  author: userRef(),
  createdAt: p.datetime(),
});

export const Note = defineEntity({ name: 'Note', tableName: 'note', properties: { ...writing(), text: p.text() } });
export type NoteRow = InferEntity<typeof Note>;

export const Comment = defineEntity({
  name: 'Comment',
  tableName: 'comment',
  properties: { ...writing(), text: p.text() },
});
export type CommentRow = InferEntity<typeof Comment>;

/** The metadata of an attached file. */
export const AttachedFile = defineEntity({
  name: 'AttachedFile',
  tableName: 'file',
  properties: { ...writing(), name: p.text() },
});
export type AttachedFileRow = InferEntity<typeof AttachedFile>;
