import type { UserEvent } from '#libs/contracts';
import type { UserEvents } from '../../user/user-events.js';
import type { UserRow } from '../../user/user-rows.js';
import type { DepartureRow } from '../store/departure-rows.js';

/** The event of a departure as it was, under its own seq, in another round. */
export function repeatedEvent(events: UserEvents, user: UserRow, departure: DepartureRow, round: number): UserEvent {
  const {
    id,
    steps,
    active_since: activeSince,
    was_manager: wasManager,
    policy,
    address_digest: addressDigest,
    conversion,
    wishes: { restore },
    seq,
  } = departure;
  const facts = {
    id,
    steps,
    activeSince,
    wasManager,
    policy,
    ...(addressDigest && { addressDigest }),
    ...(conversion && { conversion }),
    ...(restore && { restore }),
    round,
  };
  const event = events.userEvent({ ...user, seq }, `user.${departure.transition}`, facts);
  // The clocks of delayed effects began when it was decided.
  return { ...event, time: new Date(departure.begun_at ?? departure.effective_at).toISOString() };
}
