import { migration } from '#libs/database';

/**
 * Mails that wait, and for a while those that have ended. A mailbox is known by a keyed digest, the rest of a waiting mail
 * is encrypted.
 */
export const mailTables = migration(
  '0100-mails',
  `create table mail (
    id uuid primary key,
    account_id uuid not null,
    user_id user_ref not null,
    kind text not null,
    mailbox bytea not null,
    status text not null default 'waiting' check (status in ('waiting', 'sent', 'refused', 'suppressed', 'expired')),
    sealed text,
    attempts int not null default 0,
    due_at timestamptz not null default '-infinity',
    refusal text,
    created_at timestamptz not null,
    ended_at timestamptz,
    check ((status = 'waiting') = (sealed is not null)),
    check ((status = 'waiting') = (ended_at is null))
  ) with (fillfactor = 80)`,
  `create index mail_due on mail (due_at, id) where status = 'waiting'`,
  'create index mail_ended on mail (ended_at) where ended_at is not null',
  'create index mail_user on mail (user_id)',
  'create index mail_account on mail (account_id, id)',
  // Mailboxes that do not exist, as far as the account is concerned.
  `create table suppression (
    account_id uuid not null,
    mailbox bytea not null,
    until timestamptz not null,
    primary key (account_id, mailbox)
  )`,
  'create index suppression_until on suppression (until)',
);
