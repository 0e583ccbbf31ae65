import { migration } from '@leaver/service-kit/database';
import { serviceTables } from '@leaver/service-kit/lifecycle';
import { platformMigrations } from '@leaver/service-kit/platform';

export const migrations = [
  ...serviceTables,
  ...platformMigrations,
  migration(
    '0100-approvals',
    `create table approval (
      id uuid primary key,
      account_id uuid not null,
      invoice text not null,
      approver_id user_ref,
      status text not null check (status in ('pending', 'approved', 'refused'))
    )`,
    'create index approval_approver on approval (approver_id, id)',
  ),
];
