import { DEPARTURE_COMPLETED, DEPARTURE_NEWS } from '../events.js';

type Audience =
  /** Every user of the account. */
  | 'users'
  /** Owners and admins of the account. */
  | 'managers';

/** The events that are sent to webhooks. A new one is listed here first, with who may see it. */
export const WEBHOOK_EVENTS = {
  'app.installed': 'users',
  ...(Object.fromEntries([...DEPARTURE_NEWS, DEPARTURE_COMPLETED].map((type) => [type, 'managers'])) as Record<
    (typeof DEPARTURE_NEWS)[number] | typeof DEPARTURE_COMPLETED,
    'managers'
  >),
} satisfies Record<string, Audience>;
export type WebhookEvent = keyof typeof WEBHOOK_EVENTS;

/** Subscribes to every event that the owner of the webhook may see. */
export const EVERY_EVENT = '*';

/** For managers whatever the event is, so also one that does not exist yet. */
const FAMILIES_FOR_MANAGERS = ['departure.', 'user.'];

const audienceOf = (type: string): Audience =>
  FAMILIES_FOR_MANAGERS.some((family) => type.startsWith(family))
    ? 'managers'
    : ((WEBHOOK_EVENTS as Record<string, Audience>)[type] ?? 'users');

/** Whether only owners and admins may subscribe to it. */
export const isForManagers = (type: string): boolean => audienceOf(type) === 'managers';

/** What decides which events a webhook gets. */
export interface Subscription {
  events: readonly string[];
  /** Whether the owner of the webhook is an active owner or admin of the account. */
  ownerIsManager: boolean;
}

/** Whether a webhook gets events of this type. Subscriptions are matched here and nowhere else. */
export const receives = ({ events, ownerIsManager }: Subscription, type: string): boolean =>
  (events.includes(EVERY_EVENT) || events.includes(type)) && (ownerIsManager || !isForManagers(type));
