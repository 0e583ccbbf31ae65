import type { DepartureNewsType, DepartureStatus } from '#libs/contracts';

/** The audit entry and the notification of a status transition. */
interface Announcement {
  /** The action in the account's audit trail. Written only if the actor is given. */
  audit?: string;
  /** The notification. `departure.completed` is not stored: it is due while `announced` is false. */
  news?: DepartureNewsType;
}

/**
 * All allowed status transitions. `none` is a departure that does not exist yet.
 *
 * - `awaiting-approval` is approved and then starts or is scheduled; or it is refused, expires, is cancelled or is superseded.
 * - `scheduled` starts when due, is cancelled, is superseded by a newer decision, or is refused by a guard.
 * - `running` ends as `completed` or `failed`, or is superseded.
 * - `failed` runs again after a retry or a late receipt, or is superseded.
 * - `completed` runs again when a service is onboarded or was restored from a backup.
 */
const TRANSITIONS: Readonly<Record<string, Announcement>> = {
  'none awaiting-approval': { audit: 'departure.approval-requested', news: 'departure.approval-requested' },
  'awaiting-approval scheduled': { audit: 'departure.scheduled', news: 'departure.scheduled' },
  'awaiting-approval running': { news: 'departure.started' },
  'awaiting-approval cancelled': { audit: 'departure.cancelled', news: 'departure.cancelled' },
  'awaiting-approval superseded': { audit: 'departure.cancelled', news: 'departure.cancelled' },
  'none scheduled': { audit: 'departure.scheduled', news: 'departure.scheduled' },
  // The same transaction adds the audit entry `user.deactivated` (or deleted, reactivated, transferred).
  'none running': { news: 'departure.started' },
  'scheduled running': { news: 'departure.started' },
  'scheduled cancelled': { audit: 'departure.cancelled', news: 'departure.cancelled' },
  'scheduled superseded': { audit: 'departure.cancelled', news: 'departure.cancelled' },
  'scheduled failed': { audit: 'departure.refused', news: 'departure.failed' },
  'running completed': { audit: 'departure.completed' },
  'running failed': { audit: 'departure.failed', news: 'departure.failed' },
  'running superseded': {},
  'failed running': {},
  'failed superseded': {},
  'completed running': {},
};

/** @throws TypeError for a status transition that is not allowed */
export function announcementOf(from: DepartureStatus | 'none', to: DepartureStatus): Announcement {
  const announcement = TRANSITIONS[`${from} ${to}`];
  if (!announcement) throw new TypeError(`a departure cannot go from ${from} to ${to}`);
  return announcement;
}
