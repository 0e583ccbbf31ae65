import { migration } from '#libs/database';

export const webformTables = migration(
  '0121-webforms',
  `create table webform (
    id uuid primary key,
    account_id uuid not null,
    name text not null,
    user_id user_ref not null,
    email personal,
    created_at timestamptz not null
  )`,
  'create index webform_user on webform (user_id, id)',
  'create index webform_account on webform (account_id, id)',
);
