import { migration } from '#libs/database';

/** A policy may delete conversations, but internal notes are always kept. */
export const notesOutliveConversations = migration(
  '0102-notes-outlive-conversations',
  'alter table internal_note alter column conversation_id drop not null',
  `alter table internal_note drop constraint internal_note_conversation_id_fkey,
    add constraint internal_note_conversation_id_fkey foreign key (conversation_id) references conversation (id)
      on delete set null not valid`,
  'alter table internal_note validate constraint internal_note_conversation_id_fkey',
);
