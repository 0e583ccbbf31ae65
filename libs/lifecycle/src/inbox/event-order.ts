import type { UserEvent } from '#libs/contracts';
import { eventKey } from './inbox.js';

/** The event with the highest lifecycle version of each user. */
export function newestOf(events: readonly UserEvent[]): UserEvent[] {
  const newest = new Map<string, UserEvent>();
  for (const event of events) {
    const other = newest.get(event.data.userId);
    if (!other || other.data.lifecycleVersion < event.data.lifecycleVersion) newest.set(event.data.userId, event);
  }
  return [...newest.values()];
}

/** Removes repeated deliveries of the same event within a batch. */
export function unique(events: readonly UserEvent[]): UserEvent[] {
  return [...new Map(events.map((event) => [eventKey(event), event])).values()];
}
