import { migration } from '#libs/database';

/**
 * A shared inbox that was made without members is open to the account. This is stored, so that the inbox of members does not
 * open when the last one is deleted. Replicas of the release before leave the column empty for new inboxes.
 */
export const openInboxes = migration(
  '0136-open-inboxes',
  'alter table message_inbox add column open_to_all boolean',
  `update message_inbox i set open_to_all = not exists (select from inbox_member m where m.inbox_id = i.id)
    where kind = 'shared'`,
);
