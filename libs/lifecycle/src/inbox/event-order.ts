import type { UserEvent } from '#libs/contracts';
import { eventKey } from './inbox.js';

/** Of several events about the same person only the latest decision counts. */
export function newestOf(events: readonly UserEvent[]): UserEvent[] {
  const newest = new Map<string, UserEvent>();
  for (const event of events) {
    const other = newest.get(event.data.userId);
    if (!other || other.data.lifecycleVersion < event.data.lifecycleVersion) newest.set(event.data.userId, event);
  }
  return [...newest.values()];
}

/** The same event may come twice in one batch. */
export function unique(events: readonly UserEvent[]): UserEvent[] {
  return [...new Map(events.map((event) => [eventKey(event), event])).values()];
}
