import type { Ask } from './lifecycle.js';

/**
 * What a service could not do and does not try any more: a message that it could not read, or a departure that it has
 * given up on. A matter of the operator, over all accounts; the REST API does not know it.
 */
export interface DeadLetter {
  /** Of a departure the departure's id. */
  id: string;
  kind: 'message' | 'departure';
  /** A code or SQLSTATE, or why it is no event; never a text with data in it. */
  reason: string;
  since: string;
  /** Of a message. */
  subject?: string;
  bytes?: number;
  /** The message itself in base64, where it was asked for: there may be a name in it. */
  data?: string;
  /** Of a departure. */
  accountId?: string;
  userId?: string;
  type?: string;
}

export interface DeadLetterRequest {
  data?: boolean;
}

/** Which dead letters are to be tried again. */
export interface ReplayRequest {
  ids: string[] | 'all';
}

export interface ReplayAnswer {
  /** Ids of what has been done, or has begun again. */
  replayed: string[];
  /** What cannot be tried again, and why: `undecodable` for what still is no event. */
  refused: { id: string; reason: string }[];
}

/** The oldest ones, at most `MOST_DEAD_LETTERS`. */
export const deadLettersOf = (service: string): Ask<DeadLetterRequest, DeadLetter[]> => ({
  service,
  subject: `lifecycle.${service}.dead-letters`,
  timeout: 5_000,
});

/** At most `MOST_DEAD_LETTERS` at a time. Twice is once: what has been applied is not applied again. */
export const replayOf = (service: string): Ask<ReplayRequest, ReplayAnswer> => ({
  service,
  subject: `lifecycle.${service}.replay`,
  timeout: 30_000,
});

export const MOST_DEAD_LETTERS = 1_000;
