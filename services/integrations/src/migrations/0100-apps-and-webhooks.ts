import { migration } from '#libs/database';

export const appAndWebhookTables = migration(
  '0100-apps-and-webhooks',
  `create table app (
    id uuid primary key,
    account_id uuid not null,
    app_id text not null,
    installed_by user_ref not null,
    shared boolean not null,
    status text not null check (status in ('installed', 'uninstalled')),
    access_token text,
    created_at timestamptz not null,
    uninstalled_at timestamptz,
    check (status = 'installed' or access_token is null)
  )`,
  'create index app_installed_by on app (installed_by, id)',
  'create index app_account on app (account_id, id)',
  `create table webhook (
    id uuid primary key,
    account_id uuid not null,
    url text not null,
    events text[] not null,
    owner_id user_ref not null,
    active boolean not null,
    secret text not null,
    created_at timestamptz not null
  )`,
  'create index webhook_owner on webhook (owner_id, id)',
  'create index webhook_account on webhook (account_id, id)',
  // Queued deliveries. A row is deleted when it was delivered or given up.
  `create table webhook_delivery (
    id uuid primary key,
    webhook_id uuid not null references webhook (id) on delete cascade,
    body text not null,
    attempts int not null,
    due_at timestamptz not null,
    created_at timestamptz not null
  ) with (fillfactor = 80)`,
  'create index webhook_delivery_due on webhook_delivery (due_at)',
  'create index webhook_delivery_webhook on webhook_delivery (webhook_id)',
);
