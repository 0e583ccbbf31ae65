import { migration } from '#libs/database';

export const numberTables = migration(
  '0100-numbers',
  `create table phone_number (
    id uuid primary key,
    account_id uuid not null,
    e164 text not null,
    kind text not null check (kind in ('personal', 'shared')),
    state text not null check (state in ('assigned', 'quarantined', 'released')),
    owner_id user_ref,
    destination_user_id user_ref,
    quarantined_from_id user_ref,
    release_at timestamptz,
    moved_to_id uuid references phone_number (id) on delete set null,
    created_at timestamptz not null,
    check (state = 'assigned' or (owner_id is null and destination_user_id is null)),
    check (state <> 'assigned' or (kind = 'personal') = (owner_id is not null)),
    check ((state = 'quarantined') = (quarantined_from_id is not null))
  )`,
  // A number is unique across all accounts while in use. A released number may come back, to this account or another.
  `create unique index phone_number_in_use on phone_number (e164) where state <> 'released'`,
  'create index phone_number_dialled on phone_number (account_id, e164)',
  'create index phone_number_owner on phone_number (owner_id, id)',
  'create index phone_number_destination on phone_number (destination_user_id, id)',
  'create index phone_number_quarantined_from on phone_number (quarantined_from_id, id)',
  'create index phone_number_moved_to on phone_number (moved_to_id)',
  'create index phone_number_account on phone_number (account_id, id)',
);
