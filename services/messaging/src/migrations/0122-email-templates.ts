import { migration } from '#libs/database';

export const emailTemplateTables = migration(
  '0122-email-templates',
  `create table email_template (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    subject text not null,
    body text not null,
    visibility text not null check (visibility in ('shared', 'private')),
    owner_id user_ref not null,
    created_at timestamptz not null
  )`,
  'create index email_template_owner on email_template (owner_id, id)',
  'create index email_template_account on email_template (account_id, id)',
);
