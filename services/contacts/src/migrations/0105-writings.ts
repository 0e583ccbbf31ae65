import { migration } from '#libs/database';

const writing = (table: string, content: string): string[] => [
  `create table ${table} (
    id uuid primary key,
    account_id uuid not null,
    record_id uuid references record (id) on delete cascade,
    contact_id uuid references contact (id) on delete cascade,
    ${content} text not null,
    author user_ref not null,
    created_at timestamptz not null,
    constraint ${table}_about_one_thing check (num_nonnulls(record_id, contact_id) = 1)
  )`,
  `create index ${table}_author on ${table} (author, id)`,
  `create index ${table}_account on ${table} (account_id, id)`,
  `create index ${table}_record on ${table} (record_id, id) where record_id is not null`,
  `create index ${table}_contact on ${table} (contact_id, id) where contact_id is not null`,
];

export const writingTables = migration(
  '0105-writings',
  ...writing('note', 'text'),
  ...writing('comment', 'text'),
  ...writing('file', 'name'),
);
