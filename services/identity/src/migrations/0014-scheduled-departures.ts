import { migration } from '#libs/database';

export const scheduledDepartures = migration(
  '0014-scheduled-departures',
  `alter table departure drop constraint departure_status_check,
    add constraint departure_status_check
      check (status in ('scheduled', 'running', 'completed', 'failed', 'superseded', 'cancelled')),
    alter column steps drop not null,
    alter column active_since drop not null,
    alter column was_manager drop not null,
    alter column policy drop not null,
    alter column lifecycle_version drop not null,
    alter column seq drop not null,
    add column wishes jsonb not null default '{}',
    add column begun_at timestamptz,
    add column return_at timestamptz,
    add column returns_from uuid references departure,
    add column error text,
    add column error_detail text,
    add column look_after timestamptz not null default '-infinity'`,
  // What is decided only when the day comes is all there or not at all.
  `alter table departure add constraint departure_begun check (
    num_nonnulls(steps, active_since, was_manager, policy, lifecycle_version, seq) in (0, 6)
    and (seq is not null or status not in ('running', 'completed'))
    and (seq is null or status not in ('scheduled', 'cancelled')))`,
  `create unique index departure_scheduled on departure (user_id, (transition = 'reactivated')) where status = 'scheduled'`,
  `create index departure_due on departure (effective_at) where status = 'scheduled'`,
  `create index departure_returns_from on departure (returns_from) where returns_from is not null`,
);
