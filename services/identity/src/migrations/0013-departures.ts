import { migration } from '#libs/database';

export const departures = migration(
  '0013-departures',
  // No foreign key to users: PostgreSQL checks one again when a transaction changes a row for the second time, and whoever
  // folds receipts would then wait for the person's lock, while whoever holds that one waits for the departure.
  `create table departure (
    id uuid primary key,
    account_id uuid not null references account,
    user_id user_ref not null,
    transition text not null check (transition in ('deactivated', 'deleted', 'reactivated')),
    status text not null check (status in ('running', 'completed', 'failed', 'superseded')),
    requested_by user_ref,
    requested_at timestamptz not null,
    effective_at timestamptz not null,
    completed_at timestamptz,
    reason personal,
    steps text[] not null,
    active_since bigint not null,
    was_manager boolean not null,
    policy jsonb not null,
    lifecycle_version bigint not null,
    seq bigint not null,
    round int not null default 0,
    total int not null,
    done int not null default 0,
    events int not null default 0,
    close_after timestamptz not null default '-infinity',
    announced boolean not null default false,
    unique (user_id, lifecycle_version)
  ) with (fillfactor = 60)`,
  `create index departure_of_account on departure (account_id, id)`,
  `create index departure_requested_by on departure (requested_by) where requested_by is not null`,
  `create index departure_to_close on departure (close_after) where status = 'running' and done = total`,
  `create index departure_to_announce on departure (close_after) where status = 'completed' and not announced`,
  `create table departure_service (
    departure_id uuid not null references departure,
    service text not null,
    status text not null check (status in ('pending', 'running', 'completed', 'failed', 'superseded')),
    error text,
    round int not null default 0,
    rules jsonb not null default '[]',
    updated_at timestamptz not null,
    primary key (departure_id, service)
  ) with (fillfactor = 60)`,
  // What a watcher has seen so far is a number: counted within the departure, without gaps.
  `create table departure_event (
    departure_id uuid not null references departure,
    n int not null,
    type text not null check (type in ('rule', 'service', 'departure')),
    data jsonb not null,
    primary key (departure_id, n)
  )`,
  `create table verification (
    id uuid primary key,
    account_id uuid not null references account,
    requested_by user_ref not null,
    status text not null default 'running' check (status in ('running', 'completed')),
    checked int not null default 0,
    broken jsonb not null default '[]',
    cursor uuid,
    look_after timestamptz not null default '-infinity',
    created_at timestamptz not null
  )`,
  `create index verification_to_do on verification (look_after) where status = 'running'`,
);
