import { migration } from '#libs/database';

/**
 * Departures and bulk departures that wait for another manager. An older identity has no approvals to apply, and leaves alone
 * what waits: its workers look for other statuses, and a bulk departure that waits counts as decided.
 */
export const approvals = migration(
  '0122-approvals',
  `alter table account add column approvals jsonb not null default '{}'`,
  `alter table departure drop constraint departure_status_check,
    add constraint departure_status_check check (status in ('awaiting-approval', 'scheduled', 'running', 'completed', 'failed',
      'superseded', 'cancelled')) not valid`,
  `create unique index departure_awaiting_approval on departure (user_id) where status = 'awaiting-approval'`,
  `alter table bulk_departure drop constraint bulk_departure_status_check,
    add constraint bulk_departure_status_check check (status in ('open', 'awaiting-approval', 'cancelled')) not valid`,
  `create index bulk_departure_awaiting on bulk_departure (requested_by, id) where status = 'awaiting-approval'`,
  // The id is that of the departure or of the bulk departure.
  `create table approval (
    id uuid primary key,
    account_id uuid not null references account,
    needed_for text[] not null,
    requested_by user_ref,
    token_created_by user_ref,
    at_once boolean not null,
    plan_token text,
    expires_at timestamptz not null,
    outcome text check (outcome in ('approved', 'refused', 'expired', 'withdrawn')),
    decided_by user_ref,
    decided_at timestamptz,
    reason personal
  )`,
  'create index approval_expires on approval (expires_at) where outcome is null',
);

/** In a transaction of its own, which reads the tables while they are written to. */
export const approvalsValid = migration(
  '0123-approvals-valid',
  'alter table departure validate constraint departure_status_check',
  'alter table bulk_departure validate constraint bulk_departure_status_check',
);
