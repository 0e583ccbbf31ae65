import { migration } from '#libs/database';

export const serviceFailures = migration(
  '0052-service-failures',
  // Why a service has not finished: codes and names, and the time of the next try.
  'alter table departure_service add column failure jsonb',
);
