import { OPERATOR } from './callers.js';
import type { Ask } from './lifecycle.js';

/**
 * What a service has given up on: a message that it could not decode, or a departure that failed. For the operator, across
 * all accounts; not part of the REST API.
 */
export interface DeadLetter {
  /** For a departure, the id of the departure. */
  id: string;
  kind: 'message' | 'departure';
  /** An error code, a SQLSTATE, or why the message is not an event. Never a text that may contain data. */
  reason: string;
  since: string;
  /** For a message. */
  subject?: string;
  bytes?: number;
  /** The message in base64, only on request because it may contain personal data. */
  data?: string;
  /** For a departure. */
  accountId?: string;
  userId?: string;
  type?: string;
}

export interface DeadLetterRequest {
  data?: boolean;
}

/** The dead letters to try again, and by their ids departures that wait for their next try. */
export interface ReplayRequest {
  ids: string[] | 'all';
}

export interface ReplayAnswer {
  /** Ids of the dead letters that have been processed or restarted. */
  replayed: string[];
  /** Ids of departures that were waiting for their next try, which is due now. Only for requests that name them. */
  waiting?: string[];
  /** Ids of those that cannot be tried again, and why: `undecodable` for a message that is still not an event. */
  refused: { id: string; reason: string }[];
}

/** The oldest ones, at most `MOST_DEAD_LETTERS`. */
export const deadLettersOf = (service: string): Ask<DeadLetterRequest, DeadLetter[]> => ({
  service,
  subject: `lifecycle.${service}.dead-letters`,
  timeout: 5_000,
  calledBy: [OPERATOR],
});

/** At most `MOST_DEAD_LETTERS` at a time. Idempotent: events that have been applied are not applied again. */
export const replayOf = (service: string): Ask<ReplayRequest, ReplayAnswer> => ({
  service,
  subject: `lifecycle.${service}.replay`,
  timeout: 30_000,
  calledBy: [OPERATOR],
});

export const MOST_DEAD_LETTERS = 1_000;
