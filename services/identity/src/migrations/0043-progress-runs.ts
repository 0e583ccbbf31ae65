import { migration } from '#libs/database';

/** Successive events of one type share a row: `n` is the number of the last, and `data` lists them where there are several. */
export const progressRuns = migration(
  '0043-progress-runs',
  `alter table departure_event add column count int not null default 1 check (count > 0)`,
);
