import type { DepartureTransition } from '#libs/contracts';

type End = 'cancelled' | 'superseded';

/**
 * What a departure does to the scheduled departures of the same user, however it was decided:
 * `superseded` if the user leaves in the same way now, `cancelled` if it contradicts them. What is not named stays.
 * docs/scheduling.md has the whole table.
 */
const ENDS: Record<DepartureTransition, Partial<Record<DepartureTransition, End>>> = {
  deactivated: { deactivated: 'superseded', reactivated: 'cancelled' },
  deleted: { deactivated: 'superseded', deleted: 'superseded', reactivated: 'cancelled' },
  reactivated: { deactivated: 'cancelled', deleted: 'cancelled', reactivated: 'cancelled' },
  // A transfer is refused while something is scheduled.
  transferred: {},
  reassigned: {},
};

/** @returns undefined for what stays */
export function endOf(
  scheduled: DepartureTransition,
  happens: { transition: DepartureTransition; returnAt?: string },
): End | undefined {
  // Somebody who is to come back is not to be deleted.
  if (happens.returnAt !== undefined && scheduled === 'deleted') return 'cancelled';
  return ENDS[happens.transition][scheduled];
}

/**
 * The same for a departure that waits for approval.
 * A take-over calls it off: it was requested for another person, and an approval would come too late to notice.
 */
export const endOfWaiting = (
  waiting: DepartureTransition,
  happens: { transition: DepartureTransition; returnAt?: string },
): End | undefined => (happens.transition === 'transferred' ? 'cancelled' : endOf(waiting, happens));
