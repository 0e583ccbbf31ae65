import { migration } from '#libs/database';

export const webhookReceivers = migration(
  '0104-webhook-receivers',
  `alter table webhook
    add column version int not null default 1,
    add column former_secret text,
    add column former_secret_until timestamptz,
    add check ((former_secret is null) = (former_secret_until is null))`,
  // Hosts that do not answer one of the accounts as they should. A row goes when they do again.
  `create table webhook_receiver (
    account_id uuid not null,
    receiver text not null,
    failures int not null,
    paused_at timestamptz not null,
    paused_until timestamptz not null,
    probe_until timestamptz,
    primary key (account_id, receiver)
  )`,
  'create index webhook_delivery_queue on webhook_delivery (webhook_id, due_at)',
  'drop index webhook_delivery_webhook',
);
