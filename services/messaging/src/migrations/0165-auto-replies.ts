import { migration } from '#libs/database';

/**
 * Automatic answers to contacts who have written to a user who has left, one per contact and leaver. The text comes from the
 * account's policy when it is sent and is not stored. `expires_at` is null until the answer is sent or given up.
 */
export const autoReplyTables = migration(
  '0165-auto-replies',
  `create table auto_reply (
    id uuid primary key,
    account_id uuid not null,
    leaver_id user_ref not null,
    contact_id uuid not null,
    inbox_id uuid not null,
    from_number personal,
    attempts int not null default 0,
    due_at timestamptz,
    expires_at timestamptz,
    created_at timestamptz not null,
    unique (leaver_id, contact_id),
    check ((due_at is null) = (expires_at is not null))
  )`,
  'create index auto_reply_account on auto_reply (account_id, id)',
  'create index auto_reply_due on auto_reply (due_at) where due_at is not null',
  'create index auto_reply_expires on auto_reply (expires_at) where expires_at is not null',
);
