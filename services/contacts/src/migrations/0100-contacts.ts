import { migration } from '#libs/database';

export const contactTables = migration(
  '0100-contacts',
  // `import_id` is the last import that wrote the contact, and `assigned_before` whether the contact had an assignee
  // before
  // it. With them, a contact that occurs several times in one file is counted once.
  `create table contact (
    id uuid primary key,
    account_id uuid not null,
    external_id text,
    name text,
    phone text,
    email text,
    assignee user_ref,
    created_at timestamptz not null,
    import_id uuid,
    assigned_before boolean not null default false,
    constraint contact_external_id unique (account_id, external_id)
  ) with (fillfactor = 90)`,
  'create index contact_assignee on contact (assignee, id)',
  'create index contact_account on contact (account_id, id)',
);
