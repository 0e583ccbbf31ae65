import { migration } from '#libs/database';

export const numberContactTables = migration(
  '0110-number-contacts',
  `create table number_contact (
    number_id uuid not null references phone_number (id) on delete cascade,
    contact_id uuid not null,
    account_id uuid not null,
    created_at timestamptz not null,
    primary key (number_id, contact_id)
  )`,
  // Moves that the contacts service has not applied yet; it confirms a move and the row is deleted. The database's
  // clock orders them. A new row is due immediately, whatever the clocks of other machines say.
  `create table contacts_moved (
    id uuid primary key default uuidv7(),
    account_id uuid not null,
    contact_ids uuid[] not null,
    user_id user_ref,
    after_user_id user_ref,
    after_version bigint,
    attempts int not null default 0,
    due_at timestamptz not null default '-infinity'
  )`,
  'create index contacts_moved_due on contacts_moved (due_at)',
);
