import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  JetStreamApiError,
  type ConsumerInfo,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { DEPARTURES_STREAM, USERS_STREAM } from '#libs/contracts';
import { nanos, PermissionViolationError } from '@nats-io/transport-node';

export interface StreamSpec {
  name: string;
  subjects: readonly string[];
  /** Milliseconds for which a message is kept. */
  maxAge: number;
  /** Milliseconds in which a second message with the same id is dropped. */
  duplicateWindow: number;
  /** The broker refuses to delete single messages and to purge the stream. */
  appendOnly?: true;
}

const WEEK = 7 * 86_400_000;
const TEN_YEARS = 3_652 * 86_400_000;
const TWO_MINUTES = 120_000;

/** Facts about users. Only identity publishes here. */
export const USERS: StreamSpec = {
  name: USERS_STREAM,
  subjects: ['user.>'],
  maxAge: WEEK,
  duplicateWindow: TWO_MINUTES,
};
/** The services' receipts, and events about departures. */
export const DEPARTURES: StreamSpec = {
  name: DEPARTURES_STREAM,
  subjects: ['departure.>'],
  maxAge: WEEK,
  duplicateWindow: TWO_MINUTES,
};

/** What identity keeps outside of its database: signed heads of audit trails, and deletions of users. */
export const AUDIT_HEADS: StreamSpec = {
  name: 'AUDIT_HEADS',
  subjects: ['audit.>'],
  maxAge: TEN_YEARS,
  duplicateWindow: TWO_MINUTES,
  appendOnly: true,
};

export interface ConsumerSpec {
  /** Durable name, a literal: a consumer with a new name receives everything again. */
  durable: string;
  filter: string;
}

/** Milliseconds after which an unacknowledged message is redelivered. */
export const ACK_WAIT = 30_000;
const STREAM_EXISTS_OTHERWISE = 10058;
const CONSUMER_EXISTS_OTHERWISE = 10148;

/**
 * Creates the stream, or updates it to the specification. Safe to call concurrently. A process without permission to
 * update uses the stream as it is.
 * @param copies number of servers of a cluster that store it
 */
export async function ensureStream(manager: JetStreamManager, spec: StreamSpec, copies = 1): Promise<void> {
  const config = {
    name: spec.name,
    subjects: [...spec.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(spec.maxAge),
    duplicate_window: nanos(spec.duplicateWindow),
    deny_purge: spec.appendOnly ?? false,
    deny_delete: spec.appendOnly ?? false,
    num_replicas: copies,
  };
  await manager.streams.add(config).catch((error: unknown) => {
    if (!isApiError(error, STREAM_EXISTS_OTHERWISE)) throw error;
    return manager.streams.update(spec.name, config).catch((refusal: unknown) => {
      if (!isForbidden(refusal)) throw refusal;
    });
  });
}

/**
 * Creates the durable pull consumer, or updates its filter. A new one starts at the oldest message of the stream.
 * @throws JetStreamApiError when the stream does not exist
 */
export async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  spec: ConsumerSpec,
): Promise<ConsumerInfo> {
  const config = {
    durable_name: spec.durable,
    filter_subject: spec.filter,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT),
    max_deliver: -1,
    max_ack_pending: 5_000,
  };
  return manager.consumers.add(stream, config).catch((error: unknown) => {
    if (!isApiError(error, CONSUMER_EXISTS_OTHERWISE)) throw error;
    return manager.consumers.update(stream, spec.durable, config);
  });
}

const isForbidden = (error: unknown): boolean =>
  error instanceof PermissionViolationError ||
  (error instanceof Error && error.cause instanceof PermissionViolationError);

const isApiError = (error: unknown, code: number): boolean => error instanceof JetStreamApiError && error.code === code;
