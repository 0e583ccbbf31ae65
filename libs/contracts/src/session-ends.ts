import { SERVICES } from './callers.js';
import type { Ask } from './lifecycle.js';

/** A user whose sessions have ended: access tokens with a lower epoch are not valid any more. */
export interface SessionEpoch {
  userId: string;
  epoch: number;
}

/** Seconds for which an access token is valid. */
export const ACCESS_TOKEN_LIFETIME_S = 300;

/** The audience of access tokens with which services call each other on behalf of the owner of an API token. */
export const SERVICE_AUDIENCE = 'leaver-services';
/** Seconds for which such a token is valid: longer than a call takes. */
export const SERVICE_TOKEN_LIFETIME_S = 60;

/**
 * The audience of access tokens of users who have to set up a second factor first. Versions that do not know it refuse such
 * tokens.
 */
export const SET_UP_AUDIENCE = 'leaver-set-up';

/** Sessions that have ended. */
export interface SessionEnds {
  epochs: SessionEpoch[];
  /** Ids of sessions that ended while other sessions of their users go on. */
  sessions: string[];
}

/**
 * The subject on which identity publishes `SessionEndsMessage`s, several a second. It is no stream: a subscriber that
 * has missed a message asks for a `sessionSnapshot`.
 */
export const SESSION_ENDS_SUBJECT = 'session.ended';

/** The place of a message in identity's feed of ended sessions. */
export interface FeedPosition {
  /** Changes whenever numbering starts again, for example because another replica of identity publishes the feed. */
  feed: string;
  /** Goes up by one with each message of the feed, so that a gap shows a lost message. */
  number: number;
  /**
   * Everything that was committed before this time has been published. Milliseconds since 1970 by the clock of
   * identity's database. Absent if more messages follow immediately.
   */
  publishedUntil?: number;
}

export interface SessionEndsMessage extends SessionEnds {
  /** Absent in a message that a process publishes on its own, right after its commit: the feed repeats its contents. */
  position?: FeedPosition;
  /** When the first of these ended, by the clock of identity's database. */
  endedAt?: number;
}

export interface SessionSnapshot extends SessionEnds {
  /** The value of `since` for the next request. Opaque. */
  at: string;
  /** Whether to ask again at once because there is more. */
  more: boolean;
  /** The time of the answer, by the clock of identity's database, in milliseconds since 1970. Absent before 0.2. */
  time?: number;
}

/** The sessions that have ended since then. Without `since`, as far back as an access token may still be valid. */
export const sessionSnapshot: Ask<{ since: string | null }, SessionSnapshot> = {
  service: 'identity',
  subject: 'rpc.identity.sessions.snapshot',
  timeout: 2_000,
  calledBy: [SERVICES],
};

/**
 * The subject of an entry in the NATS KV bucket that gateways of 0.1 watch: the epoch of a user, or `1` for a single
 * ended session. 0.3 will not publish there any more.
 */
export const formerEpochSubject = (key: { userId: string } | { sessionId: string }): string =>
  `$KV.session-epochs.${'userId' in key ? key.userId : `sid.${key.sessionId}`}`;
