import type { AppliedTransition, ResolvedPolicy } from './policy.js';

/** Changes of users, on stream `USERS` under the subject `user.<what>.<accountId>.<userId>`. Every service may subscribe. */
export const USER_EVENTS = [
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.reactivated',
  'user.transferred',
  'user.reassigned',
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
  /** As `dataSchema` returns it. */
  dataschema: string;
  /** W3C trace context of the request that caused the event (CloudEvents' distributed tracing extension). */
  traceparent?: string;
  data: T;
}

/**
 * The schema of an event's `data`, by its name in the AsyncAPI document. Fields are added under the same version: it goes up
 * only with a change that existing consumers cannot read, and then both versions are published for a while.
 */
export const dataSchema = (name: EventDataName): string => `urn:leaver:schema:${name}:1`;
export type EventDataName = 'UserEventData' | 'DepartureNews' | 'CompletedDeparture';

/** What other services store about a person in their directory. */
export interface Profile {
  /** Null for a deleted user. */
  name: string | null;
  staffId: string | null;
  status: UserStatus;
  isManager: boolean;
  teamIds: string[];
  createdAt: string;
  /** How the account shows a deleted user: without or with a part of the id. */
  redactionLabel: 'plain' | 'with-id';
  legalHold: boolean;
  /** The user who manages this user's inbox for now. Absent or null if there is none. */
  caretakerId?: string | null;
  /** When the caretaker's access ends. Null if it lasts until it is revoked. */
  caretakerUntil?: string | null;
  /** Since when the user is suspended: may not use anything, and keeps everything. Absent or null if they are not. */
  suspendedAt?: string | null;
}

/** The shared inbox that a leaver's number and threads become before the rules of the departure are applied. */
export interface Conversion {
  /** The id of the shared inbox. If the leaver had a personal inbox, it keeps its id. */
  inboxId: string;
  name: string;
  /** At least one, in the order in which calls reach them. Users who have left by then are left out. */
  memberIds: string[];
}

/** What a reactivation restores: everything that the departure changed, or what these rules changed. */
export type Restore = 'all' | string[];

/** The text with which a leaver's contacts are told. */
export interface Telling {
  text: string;
  /** In E.164 format; sent after the text. */
  alternativeNumber?: string;
}

/** What happens to a leaver's data; part of every event that raises the lifecycle version. */
export interface DepartureFacts {
  id: string;
  /**
   * The transitions whose rules are applied, in this order; a reactivation has none of its own. A service skips
   * `deactivated` if it has applied it since `activeSince`. A decision that supersedes a take-over also has the step
   * `transferred`, which a service skips if it has applied it since `takenOverAt`. A reassignment has only `reassigned`;
   * no service skips anything because of it.
   */
  steps: AppliedTransition[];
  /** The lifecycle version of the take-over whose step this decision has inherited. */
  takenOverAt?: number;
  /** The lifecycle version at which the user last became active. */
  activeSince: number;
  /** Whether the leaver was `owner` or `admin` when leaving. */
  wasManager: boolean;
  policy: ResolvedPolicy;
  /**
   * In `user.deleted` only: the leaver has an email address. Services that have to find it, or what else the leaver is or was
   * called, where people have entered it by hand ask identity for digests (`directoryLookup`). They are not part of the event,
   * because a reader who knows the id of the departure could guess addresses.
   */
  hasAddress?: true;
  /**
   * In `user.deactivated` and `user.deleted`: the account's first admin after this decision. A service whose directory is
   * behind would find another one. Left out if there is none; events of earlier versions do not have it.
   */
  firstAdminId?: string;
  /** In `user.deleted` only, if the user becomes a shared inbox. */
  conversion?: Conversion;
  /** In `user.reactivated` only. Without it nothing is restored. */
  restore?: Restore;
  /** In `user.deactivated` and `user.deleted`, if the leaver's contacts are to be told. The last event of a deletion has no text. */
  tellContacts?: Telling;
  /** Goes up when a failed departure is retried: a service that has given up starts again. */
  round: number;
}

export interface UserEventData {
  accountId: string;
  userId: string;
  /** Goes up with every event of the user. The newest profile wins. */
  seq: number;
  /** Goes up with every change of the status, every take-over and every reassignment. Older decisions must not be applied any more. */
  lifecycleVersion: number;
  profile: Profile;
  departure?: DepartureFacts;
}

export type UserEvent = CloudEvent<UserEventData> & {
  type: UserEventType;
  /**
   * Only on the `user.deleted` that replaces all earlier events of the user when the deletion is complete. It repeats a
   * decision that every service has applied; subscribers that were offline learn of the deletion from it.
   */
  tombstone?: true;
};

export const USERS_STREAM = 'USERS';
export const DEPARTURES_STREAM = 'DEPARTURES';

export const userSubject = (type: UserEventType, accountId: string, userId: string): string =>
  `${type}.${accountId}.${userId}`;
/** Matches all events of one user, for purging. */
export const allOfUser = (accountId: string, userId: string): string => `user.*.${accountId}.${userId}`;
export const receiptSubject = (service: string): string => `departure.receipt.${service}`;
export const DEPARTURE_COMPLETED = 'departure.completed';
/** The other events that identity publishes about departures on stream `DEPARTURES`. */
export const DEPARTURE_NEWS = [
  'departure.approval-requested',
  'departure.scheduled',
  'departure.announced',
  'departure.started',
  'departure.failed',
  'departure.cancelled',
] as const;
export type DepartureNewsType = (typeof DEPARTURE_NEWS)[number];
export type DepartureEventType = DepartureNewsType | typeof DEPARTURE_COMPLETED;
export const departureSubject = (type: DepartureEventType, accountId: string, userId: string): string =>
  `${type}.${accountId}.${userId}`;
/** Matches all events about departures, but no receipts: their subjects have one part less. */
export const ANY_DEPARTURE_EVENT = 'departure.*.*.*';
/** The subjects of 0.1: the types alone. Replicas of identity that are not upgraded yet publish there. */
export const FORMER_DEPARTURE_EVENTS = 'departure.*';

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** A type of user event that a later version has added. */
export class UnknownEventType extends TypeError {}

const TYPE_OF_USER_EVENT = /^user\.[a-z-]{1,40}$/;

/**
 * Decodes the bytes of a message as a user event.
 * @throws UnknownEventType for an event of a later version
 * @throws TypeError with the reason if they are something else
 */
export function decodeUserEvent(bytes: Uint8Array): UserEvent {
  const event: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  if (isOfLaterVersion(event)) throw new UnknownEventType('not a type of user event that this version knows');
  const fault = faultOf(event);
  if (fault) throw new TypeError(fault);
  return event as UserEvent;
}

const isOfLaterVersion = (event: unknown): boolean =>
  isRecord(event) &&
  event.specversion === '1.0' &&
  typeof event.type === 'string' &&
  TYPE_OF_USER_EVENT.test(event.type) &&
  !USER_EVENTS.includes(event.type as UserEventType);

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
export const isUuid = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);
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
