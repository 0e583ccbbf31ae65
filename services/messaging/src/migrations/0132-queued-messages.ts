import { migration } from '#libs/database';

/** Lets the carrier take messages from all accounts in turn. */
export const queuedMessages = migration(
  '0132-queued-messages',
  `create index message_queued_account on message (account_id, due_at) where status = 'queued'`,
);
