import { migration } from '#libs/database';

export const callTables = migration(
  '0102-call-history',
  // The dialled numbers are copied, so that they stay readable when the account's number is removed.
  `create table phone_call (
    id uuid primary key,
    account_id uuid not null,
    direction text not null check (direction in ('inbound', 'outbound')),
    number_id uuid references phone_number (id) on delete set null,
    from_e164 text,
    to_e164 text not null,
    outcome text not null check (outcome in ('routed', 'voicemail', 'unassigned', 'no-longer-in-service', 'placed')),
    user_id user_ref,
    created_at timestamptz not null,
    check ((direction = 'outbound') = (outcome = 'placed')),
    check ((outcome in ('routed', 'placed')) = (user_id is not null))
  )`,
  'create index phone_call_user on phone_call (user_id, id)',
  'create index phone_call_number on phone_call (number_id, id)',
  'create index phone_call_account on phone_call (account_id, id)',
);
