import { migration } from '#libs/database';

export const segmentTables = migration(
  '0101-segments',
  `create table segment (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    definition jsonb not null,
    owner_id user_ref not null,
    created_at timestamptz not null
  )`,
  'create index segment_owner on segment (owner_id, id)',
  'create index segment_account on segment (account_id, id)',
  `create table segment_use (
    segment_id uuid not null references segment (id) on delete cascade,
    user_id user_ref not null,
    used_at timestamptz not null,
    primary key (segment_id, user_id)
  )`,
);
