import type { DepartureNewsType, DepartureStatus } from '#libs/contracts';

/** What a change of status tells others. */
interface Announcement {
  /** The action in the account's audit trail, written when it is known who did it. */
  audit?: string;
  /** The event for subscribers. `departure.completed` is not among them: it is due as long as `announced` is false. */
  news?: DepartureNewsType;
}

/**
 * Every change of status that a departure may make. `none` is a departure that does not exist yet.
 *
 * - `scheduled` waits for its day; it begins, is cancelled, is superseded by a newer decision, or is refused by a guard.
 * - `running` ends as `completed` or `failed`, or is superseded.
 * - `failed` runs again after a retry or a late receipt, or is superseded.
 * - `completed` runs again when a service joins or was restored from a backup.
 */
const TRANSITIONS: Readonly<Record<string, Announcement>> = {
  'none scheduled': { audit: 'departure.scheduled', news: 'departure.scheduled' },
  // The trail says `user.deactivated` (or deleted, reactivated) in the same transaction.
  'none running': { news: 'departure.started' },
  'scheduled running': { news: 'departure.started' },
  'scheduled cancelled': { audit: 'departure.cancelled', news: 'departure.cancelled' },
  'scheduled superseded': {},
  'scheduled failed': { audit: 'departure.refused', news: 'departure.failed' },
  'running completed': { audit: 'departure.completed' },
  'running failed': { audit: 'departure.failed', news: 'departure.failed' },
  'running superseded': {},
  'failed running': {},
  'failed superseded': {},
  'completed running': {},
};

/** @throws TypeError for a change that no departure may make */
export function announcementOf(from: DepartureStatus | 'none', to: DepartureStatus): Announcement {
  const announcement = TRANSITIONS[`${from} ${to}`];
  if (!announcement) throw new TypeError(`a departure cannot go from ${from} to ${to}`);
  return announcement;
}
