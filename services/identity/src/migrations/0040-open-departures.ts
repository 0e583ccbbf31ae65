import { migration } from '#libs/database';

/** How many departures are open, and since when, is asked every few seconds: almost all are closed. */
export const openDepartures = migration(
  '0040-open-departures',
  `create index departure_open on departure (status, effective_at) where status in ('running', 'failed')`,
);
