import { migration } from '#libs/database';

/** Mails that were requested and not yet handed on. A row lives for milliseconds, or until the notifications service is back. */
export const mailOutbox = migration(
  '0130-mail-outbox',
  `create table mail_outbox (
    id uuid primary key,
    account_id uuid not null references account on delete cascade,
    user_id user_ref not null,
    has_token boolean not null,
    sealed text not null,
    attempts int not null default 0,
    due_at timestamptz not null default '-infinity',
    created_at timestamptz not null
  ) with (fillfactor = 80)`,
  'create index mail_outbox_due on mail_outbox (due_at, id)',
  'create index mail_outbox_user on mail_outbox (user_id)',
  'create index mail_outbox_account on mail_outbox (account_id)',
);
