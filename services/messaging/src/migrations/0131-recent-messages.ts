import { migration } from '#libs/database';

/** Who was written to in an inbox lately, read from the index alone. */
export const recentMessages = migration(
  '0131-recent-messages',
  'create index message_recent on message (inbox_id, created_at, contact_id)',
);
