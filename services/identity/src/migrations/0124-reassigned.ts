import { migration } from '#libs/database';

/** The constraint becomes wider, so replicas of an earlier version are not affected. */
export const reassignedDepartures = migration(
  '0124-reassigned',
  `alter table departure drop constraint departure_transition_check,
    add constraint departure_transition_check
      check (transition in ('deactivated', 'deleted', 'reactivated', 'transferred', 'reassigned')) not valid`,
);

/** In a transaction of its own, which reads the table while it is written to. */
export const reassignedDeparturesValid = migration(
  '0125-reassigned-valid',
  'alter table departure validate constraint departure_transition_check',
);
