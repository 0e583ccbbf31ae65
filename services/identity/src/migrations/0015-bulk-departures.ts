import { migration } from '#libs/database';

export const bulkDepartures = migration(
  '0015-bulk-departures',
  `create table bulk_departure (
    id uuid primary key,
    account_id uuid not null references account,
    transition text not null check (transition in ('deactivated', 'deleted')),
    requested_by user_ref not null,
    requested_as text[] not null,
    requested_at timestamptz not null,
    effective_at timestamptz,
    reason personal,
    successors jsonb not null,
    overrides jsonb not null,
    decided boolean not null default false,
    look_after timestamptz not null default '-infinity'
  )`,
  `create index bulk_departure_to_decide on bulk_departure (look_after) where not decided`,
  `create table bulk_departure_row (
    bulk_id uuid not null references bulk_departure,
    n int not null,
    user_id user_ref,
    successors jsonb not null default '{}',
    departure_id uuid references departure,
    code text,
    detail text,
    primary key (bulk_id, n),
    check (departure_id is null or code is null)
  )`,
  `create index bulk_departure_row_waiting on bulk_departure_row (bulk_id, n) where departure_id is null and code is null`,
);
