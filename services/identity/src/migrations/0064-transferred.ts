import { migration } from '#libs/database';

/**
 * A take-over is a departure of the former person. The constraint becomes wider, so replicas of an earlier version are not
 * affected.
 */
export const transferredDepartures = migration(
  '0064-transferred',
  `alter table departure drop constraint departure_transition_check,
    add constraint departure_transition_check
      check (transition in ('deactivated', 'deleted', 'reactivated', 'transferred')) not valid`,
);

/** In a transaction of its own, which reads the table while it is written to. */
export const transferredDeparturesValid = migration(
  '0065-transferred-valid',
  'alter table departure validate constraint departure_transition_check',
);
