import { migration } from '#libs/database';

/** What may still be mailed to a mailbox, which is known by a keyed digest. A row has no meaning after `day_until`. */
export const mailBudgets = migration(
  '0091-mail-budgets',
  `create table mail_budget (
    mailbox bytea primary key,
    hour_until timestamptz not null,
    day_until timestamptz not null
  )`,
  'create index mail_budget_until on mail_budget (day_until)',
);
