import { migration } from '#libs/database';

/** Lets the query for recent contacts of an inbox read only the index. */
export const recentMessages = migration(
  '0131-recent-messages',
  'create index message_recent on message (inbox_id, created_at, contact_id)',
);
