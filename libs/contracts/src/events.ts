import type { ResolvedPolicy, Transition } from './policy.js';

/** Facts about users that every service may subscribe to: subject `user.<what>.<accountId>.<userId>` on stream `USERS`. */
export const USER_EVENTS = [
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.reactivated',
  'user.deleted',
] as const;
export type UserEventType = (typeof USER_EVENTS)[number];
export type LifecycleEventType = Exclude<UserEventType, 'user.created' | 'user.updated'>;

export const USER_STATUSES = ['invited', 'active', 'deactivated', 'deleted'] as const;
export type UserStatus = (typeof USER_STATUSES)[number];

/** CloudEvents 1.0 in JSON, structured mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
export interface CloudEvent<T> {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  /** W3C trace context of the request that caused it (CloudEvents' distributed tracing extension). */
  traceparent?: string;
  data: T;
}

/** What other services keep of a person, in their directory. */
export interface Profile {
  /** Null for somebody deleted. */
  name: string | null;
  staffId: string | null;
  status: UserStatus;
  isManager: boolean;
  teamIds: string[];
  createdAt: string;
  /** How the account shows a deleted user: `plain` or with a part of the id. */
  redactionLabel: 'plain' | 'with-id';
  legalHold: boolean;
  /** Who manages this user's inbox meanwhile; absent or null for nobody. */
  caretakerId?: string | null;
  /** When that ends by itself; null for not before somebody ends it. */
  caretakerUntil?: string | null;
}

/** What a leaver's number and threads become, before the rules of the departure are applied. */
export interface Conversion {
  /** Of the shared inbox: the leaver's own one keeps its id, where there was one. */
  inboxId: string;
  name: string;
  /** At least one, in the order in which calls come to them. Whoever has left by then is left out. */
  memberIds: string[];
}

/** What a reactivation brings back of that which the departure has changed: all of it, or what these rules have changed. */
export type Restore = 'all' | string[];

/** What is to happen with a leaver's data; in `user.deactivated`, `user.deleted` and `user.reactivated`. */
export interface DepartureFacts {
  id: string;
  /** Rules to apply, in this order. A service skips `deactivated` if it has applied it since `activeSince`. Empty for a reactivation. */
  steps: Transition[];
  /** The lifecycle version at which the person last became active. */
  activeSince: number;
  /** Whether the leaver held `owner` or `admin` at the moment of leaving. */
  wasManager: boolean;
  policy: ResolvedPolicy;
  /**
   * In `user.deleted` only: by it a service finds the leaver's email address where somebody has entered it by hand. SHA-256
   * in hexadecimal of `<id of the departure>:<address in lower case>`; it goes when the deletion is complete.
   */
  addressDigest?: string;
  /** In `user.deleted` only, of somebody who becomes a shared inbox. */
  conversion?: Conversion;
  /** In `user.reactivated` only; without it nothing is brought back. */
  restore?: Restore;
  /** Goes up when an operator or admin retries a failed departure: a service that has given up begins again. */
  round: number;
}

export interface UserEventData {
  accountId: string;
  userId: string;
  /** Counts every event of the user: the newest profile wins. */
  seq: number;
  /** Counts changes of status: fences what may still be done. */
  lifecycleVersion: number;
  profile: Profile;
  departure?: DepartureFacts;
}

export type UserEvent = CloudEvent<UserEventData> & { type: UserEventType };

export const USERS_STREAM = 'USERS';
export const DEPARTURES_STREAM = 'DEPARTURES';

export const userSubject = (type: UserEventType, accountId: string, userId: string): string =>
  `${type}.${accountId}.${userId}`;
/** All events of one person, whatever their type; for purging. */
export const allOfUser = (accountId: string, userId: string): string => `user.*.${accountId}.${userId}`;
export const receiptSubject = (service: string): string => `departure.receipt.${service}`;
export const DEPARTURE_COMPLETED = 'departure.completed';
/** What else identity says of departures on stream `DEPARTURES`; the type is the subject. */
export const DEPARTURE_NEWS = [
  'departure.scheduled',
  'departure.started',
  'departure.failed',
  'departure.cancelled',
] as const;
export type DepartureNewsType = (typeof DEPARTURE_NEWS)[number];
/** All of the above; receipts have one more part in their subject. */
export const ANY_DEPARTURE_NEWS = 'departure.*';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** The bytes of a message as a user event. Throws `TypeError` with the reason when they are something else. */
export function decodeUserEvent(bytes: Uint8Array): UserEvent {
  const event: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  const fault = faultOf(event);
  if (fault) throw new TypeError(fault);
  return event as UserEvent;
}

function faultOf(event: unknown): string | undefined {
  if (!isRecord(event) || event.specversion !== '1.0') return 'not a CloudEvent of version 1.0';
  if (!USER_EVENTS.includes(event.type as UserEventType)) return 'not a type of user event';
  const { data } = event;
  if (!isRecord(data)) return 'no data';
  if (!isUuid(data.accountId) || !isUuid(data.userId)) return 'accountId and userId must be UUIDs';
  if (!isVersion(data.seq) || !isVersion(data.lifecycleVersion))
    return 'seq and lifecycleVersion must be positive whole numbers';
  if (!isRecord(data.profile) || typeof data.profile.status !== 'string') return 'no profile';
  if (isLifecycleType(event.type as UserEventType) && !isDeparture(data.departure)) return 'no departure';
  return undefined;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const isUuid = (value: unknown) => typeof value === 'string' && UUID.test(value);
const isVersion = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
const isDeparture = (value: unknown) =>
  isRecord(value) &&
  isUuid(value.id) &&
  Array.isArray(value.steps) &&
  isRecord(value.policy) &&
  isRecord(value.policy.rules) &&
  (value.restore === undefined || value.restore === 'all' || Array.isArray(value.restore));

export const isLifecycleType = (type: UserEventType): type is LifecycleEventType =>
  type !== 'user.created' && type !== 'user.updated';
