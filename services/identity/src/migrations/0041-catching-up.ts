import { migration } from '#libs/database';

export const catchingUp = migration(
  '0041-catching-up',
  // Of a service whose database is an older one again: from when on decisions are brought to it once more, up to which
  // departure of the account, and how many so far.
  `alter table service_rules
    add column joining_since timestamptz,
    add column joining_departure uuid,
    add column joining_reopened int not null default 0`,
);
