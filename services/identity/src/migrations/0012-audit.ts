import { migration } from '#libs/database';

export const auditTrail = migration(
  '0012-audit',
  `create table audit_head (
    account_id uuid primary key,
    seq bigint not null,
    hash text not null
  ) with (fillfactor = 50)`,
  `create table audit_entry (
    id uuid primary key,
    account_id uuid not null,
    seq bigint not null,
    at timestamptz not null,
    action text not null,
    actor_id user_ref,
    system text check (system is null or actor_id is null),
    subject_id user_ref,
    detail personal,
    salt text,
    detail_digest text,
    scrubbed boolean not null default false,
    prev_hash text not null,
    hash text not null,
    unique (account_id, seq)
  )`,
  `create index audit_entry_newest on audit_entry (account_id, id)`,
  `create index audit_entry_actor on audit_entry (actor_id, id)`,
  `create index audit_entry_subject on audit_entry (subject_id, id)`,
);
