import { migration } from '#libs/database';

/** A user may have one scheduled departure of each transition, and a departure that was called off names what did it. */
export const departureSequences = migration(
  '0045-departure-sequences',
  `drop index departure_scheduled`,
  `create unique index departure_scheduled on departure (user_id, transition) where status = 'scheduled'`,
  `alter table departure add column called_off_by uuid references departure`,
  `create index departure_called_off_by on departure (called_off_by) where called_off_by is not null`,
);
