import type { Profile, UserEventType } from './events.js';
import type { ActionName, ResolvedAction, ResolvedRules, RuleDescription, Transition } from './policy.js';
import type { Principal } from './principal.js';

/** What one rule would do to one person's rows. */
export interface PreviewLine extends ResolvedAction {
  rule: string;
  /** For a rule over several kinds of rows, which kind this line counts. */
  part?: string;
  transition: Transition;
  /** Rows it would touch; for `keep`, rows that stay. */
  count: number;
  /** A sentence the reader should not miss. */
  detail?: string;
  /** Set when `detail` asks for attention rather than explains. */
  warning?: boolean;
  /** What stands in the way, for `block`. */
  items?: unknown[];
}

/** What a receipt line calls it when a return brings back what a rule had done. No policy can choose it. */
export const RESTORE = 'restore';

/** What one rule did to one person's rows, or what has come back of it. */
export interface ReceiptLine extends Omit<ResolvedAction, 'action'> {
  rule: string;
  part?: string;
  transition: Transition | 'reactivated';
  action: ActionName | typeof RESTORE;
  affected: number;
  /** Of a restoration: rows that the departure had affected and that have not come back, or not yet. `warning` says why. */
  notRestored?: number;
  transferredTo?: string;
  /** When a delayed effect is due. */
  dueAt?: string;
  /** Since when it has been due and refused because of a legal hold. Stays when the hold is over. */
  heldAt?: string;
  /** When the delayed effect has happened. */
  doneAt?: string;
  /** A code: `successor-has-left`, and of rows not restored `changed-since` or `cannot-be-restored`. */
  warning?: string;
  /** Rows that still break the rule's promise: 0 when done, not counted before. */
  remaining: number | null;
  /** Null while the rule is still at work on a large number of rows. */
  finishedAt: string | null;
}

export type ReceiptStatus = 'running' | 'completed' | 'failed' | 'superseded';

/** A service's answer to one user event. */
export interface Receipt {
  accountId: string;
  userId: string;
  type: UserEventType;
  seq: number;
  lifecycleVersion: number;
  /** Absent for `user.created` and `user.updated`. */
  departureId?: string;
  /** The round of retries that this answers. */
  round: number;
  status: ReceiptStatus;
  /** Why it failed: an error code or SQLSTATE, never a text with data in it. */
  error?: string;
  rules: ReceiptLine[];
}

export interface ReceiptBatch {
  service: string;
  receipts: Receipt[];
}

/** A question that one service asks another over NATS; not part of the public API. */
export interface Ask<Request, Answer> {
  readonly subject: string;
  readonly service: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Carries the types only. */
  readonly types?: (request: Request) => Answer;
}

const ask = <Request, Answer>(service: string, subject: string, timeout = 10_000): Ask<Request, Answer> => ({
  service,
  subject,
  timeout,
});

export interface PreviewRequest {
  accountId: string;
  userId: string;
  steps: Transition[];
  activeSince: number;
  wasManager: boolean;
  rules: ResolvedRules;
  /** Only these rules; all of the service's unless given. */
  only?: string[];
}

export interface ProofRequest {
  users: { userId: string; lifecycleVersion: number }[];
}

/** Rows that break a promise, per person and rule; only those that do. */
export interface ProofAnswer {
  broken: {
    userId: string;
    rule: string;
    part?: string;
    transition: Transition;
    action: ActionName;
    remaining: number;
  }[];
}

export interface DirectoryPage {
  people: {
    accountId: string;
    userId: string;
    seq: number;
    lifecycleVersion: number;
    activeSince: number;
    profile: Profile;
  }[];
  next: string | null;
}

/** A person whose sessions ended: tokens with a lower epoch are dead. */
export interface SessionEpoch {
  userId: string;
  epoch: number;
}

/**
 * NATS KV bucket of what ends sessions: user id → epoch, and `sessionKey(id)` for a session that ended alone. Nobody needs
 * an entry for longer than an access token lives; `ttl` (milliseconds) is three times that.
 */
export const SESSION_BUCKET = { name: 'session-epochs', ttl: 900_000 } as const;
const SESSION_KEY = 'sid.';
export const sessionKey = (sessionId: string): string => `${SESSION_KEY}${sessionId}`;
/** The session that a key of the bucket is about; undefined for a user's key. */
export const sessionOf = (key: string): string | undefined =>
  key.startsWith(SESSION_KEY) ? key.slice(SESSION_KEY.length) : undefined;

export interface SessionSnapshot {
  epochs: SessionEpoch[];
  /** Ids of sessions that ended alone, while their user's others go on. */
  sessions: string[];
  /** The next `since`. Opaque. */
  at: string;
  /** There is more: ask again at once. */
  more: boolean;
}

/** Profiles of people whom the asking service does not know yet: its copy of their first event may still be on the way. */
export const directoryLookup = ask<{ accountId: string; userIds: string[] }, Pick<DirectoryPage, 'people'>>(
  'identity',
  'rpc.identity.directory.lookup',
  3_000,
);
export const previewOf = (service: string) =>
  ask<PreviewRequest, PreviewLine[]>(service, `lifecycle.${service}.preview`);
export const proofOf = (service: string) =>
  ask<ProofRequest, ProofAnswer>(service, `lifecycle.${service}.proof`, 30_000);
export interface RuleDeclaration {
  service: string;
  rules: RuleDescription[];
  /** The service knows who is there: what becomes of those who left before it came may be done now. */
  acquainted?: boolean;
}

/**
 * A service tells identity its rules at start, and again whenever they change. The answer to one that is new says
 * `joining` until it has declared itself `acquainted`.
 */
export const declareRules = ask<RuleDeclaration, { accepted: number; joining: boolean }>(
  'identity',
  'rpc.identity.rules.declare',
);
/** A service that knows nobody yet asks for everybody, page by page (`after` = last user id). */
export const directorySnapshot = ask<{ after: string | null; limit: number }, DirectoryPage>(
  'identity',
  'rpc.identity.directory.snapshot',
);
/** Whose sessions ended since then; without `since`, as far back as a token can still be alive. */
export const sessionSnapshot = ask<{ since: string | null }, SessionSnapshot>(
  'identity',
  'rpc.identity.sessions.snapshot',
);
/** Introspection: who a bearer token speaks for, or null. */
export const authenticate = ask<{ token: string }, Principal | null>('identity', 'rpc.identity.tokens.authenticate');
export interface PublicKeys {
  keys: Record<string, unknown>[];
  /** Ids of those that verify certificates only: no token of theirs can still be alive. */
  retired: string[];
}

/** The public keys that access tokens and certificates are signed with, as a JWK set. */
export const signingKeys = ask<Record<string, never>, PublicKeys>('identity', 'rpc.identity.tokens.keys');

export interface NewSigningKey {
  kid: string;
  usedFrom: string;
}

/**
 * The operator wants another signing key. It is published two minutes before it is used, and ends nobody's token;
 * `atOnce`, for a key that somebody has got hold of, has every access token renewed.
 */
export const rotateSigningKey = ask<{ atOnce?: boolean }, NewSigningKey>(
  'identity',
  'lifecycle.identity.rotate-signing-key',
);
