import { RULE_OWNERS, SERVICES, type Callers } from './callers.js';
import type { Profile, Restore, UserEventType } from './events.js';
import type {
  ActionName,
  AppliedTransition,
  ResolvedAction,
  ResolvedRules,
  RuleDescription,
  Transition,
} from './policy.js';
import type { Principal } from './principal.js';

/** What one rule would do to one user's rows. */
export interface PreviewLine extends ResolvedAction {
  rule: string;
  /** The kind of rows that this line counts, if the rule covers several kinds or an action also affects another service. */
  part?: string;
  transition: AppliedTransition;
  /** Rows that the rule would change; for `keep`, rows that stay. */
  count: number;
  /** A sentence for the person who decides. */
  detail?: string;
  /** True if `detail` is a warning, not an explanation. */
  warning?: boolean;
  /** For `block`: what prevents the departure. */
  items?: unknown[];
  /** Whether a reactivation can undo the action, if the user is deactivated. Absent in the answer of an older service. */
  undoable?: boolean;
}

/** The action of a receipt line if a reactivation has undone what the rule did. Policies cannot choose it. */
export const RESTORE = 'restore';

/** Why a try failed, and when the next one is. It holds codes and names, never values of rows. */
export interface StepFailure {
  /** An error code of ours or a SQLSTATE. */
  error: string;
  sqlState?: string;
  table?: string;
  constraint?: string;
  /** Failed tries so far. */
  attempts: number;
  /** Absent after the last try. */
  nextTryAt?: string;
}

/** Why a service has not finished. */
export interface ReceiptFailure extends StepFailure {
  /** The rule that failed. Absent if the error did not come from a rule. */
  rule?: string;
  part?: string;
}

/** How many rows one user has got. */
export interface ReceivedRows {
  userId: string;
  affected: number;
}

/** What one rule did to one user's rows, or what a reactivation restored of it. */
export interface ReceiptLine extends Omit<ResolvedAction, 'action' | 'team' | 'namedBy'> {
  rule: string;
  part?: string;
  transition: AppliedTransition | 'reactivated';
  action: ActionName | typeof RESTORE;
  affected: number;
  /** For a restoration: rows that the departure affected and that are not restored (yet). `warning` says why. */
  notRestored?: number;
  /** The one user who gets the rows. */
  transferredTo?: string;
  /** If a team gets them: how many rows each user has got. */
  receivers?: ReceivedRows[];
  /** When the delayed effect is due. */
  dueAt?: string;
  /** Since when a legal hold has delayed the due effect. Kept after the hold is lifted. */
  heldAt?: string;
  /** When the delayed effect has happened. */
  doneAt?: string;
  /**
   * A code: `successor-has-left`; for a restoration, `changed-since` or `cannot-be-restored` if rows are not restored, and
   * `partly-restored` if a restored row no longer names another person, who has left meanwhile; `rule-dropped` if the service
   * has not applied the rule because it does not declare it any more, which an operator has not confirmed.
   */
  warning?: string;
  /** Rows that the rule should have changed and has not: 0 when it is done, null until they are counted. */
  remaining: number | null;
  /** Null while the rule is still working through many rows, or another service has not confirmed its part. */
  finishedAt: string | null;
  /** The latest failure of a rule that is not finished. */
  failure?: StepFailure;
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
  /** The round of retries that this receipt answers. */
  round: number;
  status: ReceiptStatus;
  /** Why it failed: an error code or SQLSTATE, never a text that may contain data. */
  error?: string;
  /** The failure that `error` is about. Absent in the receipts of an older service. */
  failure?: ReceiptFailure;
  rules: ReceiptLine[];
}

export interface ReceiptBatch {
  service: string;
  receipts: Receipt[];
}

/** A request from one service to another over NATS. It is not part of the public API. */
export interface Ask<Request, Answer> {
  /** If it ends in `*`, each caller has a subject of its own, which ends in its name. */
  readonly subject: string;
  readonly service: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly calledBy: Callers;
  /**
   * The user on whose behalf it is called: `accountId` and `userId` of the request are those of the verified token,
   * whatever the message says.
   */
  readonly onBehalf?: boolean;
  /** Never set: it carries the types. */
  readonly types?: (request: Request) => Answer;
}

const ask = <Request, Answer>(
  service: string,
  subject: string,
  { calledBy, timeout = 10_000 }: { calledBy: Callers; timeout?: number },
): Ask<Request, Answer> => ({ service, subject, timeout, calledBy });

const IDENTITY = ['identity'];

export interface PreviewRequest {
  accountId: string;
  userId: string;
  steps: AppliedTransition[];
  activeSince: number;
  wasManager: boolean;
  rules: ResolvedRules;
  /** Only these rules. Default: all rules of the service. */
  only?: string[];
}

/** What would come back if a deactivated user returned now. */
export interface ReturnPreviewRequest {
  accountId: string;
  userId: string;
  /** Of the reactivation. */
  lifecycleVersion: number;
  restore?: Restore;
}

/** Why rows would not come back. `final`: the action cannot be undone, or what it took is stored nowhere. */
export const NOT_RESTORED_REASONS = ['deleted', 'taken', 'changed', 'final'] as const;
export type NotRestoredReason = (typeof NOT_RESTORED_REASONS)[number];

/** The receipt line of a restoration, before it happens. */
export interface ReturnPreviewLine extends Pick<ReceiptLine, 'rule' | 'part' | 'affected' | 'warning'> {
  notRestored: number;
  /** Adds up to `notRestored`. */
  reasons: Partial<Record<NotRestoredReason, number>>;
}

export interface ProofRequest {
  users: { userId: string; lifecycleVersion: number }[];
}

/** Per user and rule, the number of rows that the rule should have changed and has not. Counts of 0 are left out. */
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

/** Finds the email address of a deleted user in text, without naming it. For services only; no event carries it. */
export interface AddressDigest {
  departureId: string;
  /** SHA-256 in hexadecimal of `<id of the departure>:<address with its case folded>` (`foldCase`). */
  digest: string;
}

/** The same for other identifiers that a deleted user has or had: names, addresses, user names, staff ids, external ids. */
export interface IdentifierDigests {
  /** The id of the departure, or of a transfer that made another person the user. */
  salt: string;
  /** SHA-256 in hexadecimal of `<salt>:<identifier with its case folded>` (`foldCase`). */
  digests: string[];
}

export interface DirectoryPage {
  people: {
    accountId: string;
    userId: string;
    seq: number;
    lifecycleVersion: number;
    activeSince: number;
    profile: Profile;
    /** While a deletion is not complete, in answers to `directoryLookup` only. */
    address?: AddressDigest;
    /** Likewise. */
    identifiers?: IdentifierDigests[];
    /** The answer had no room for the `identifiers` of this user: ask again without the users who have theirs. */
    identifiersLeftOut?: true;
  }[];
  next: string | null;
}

/**
 * The NATS KV bucket in which gateways count requests together: about half a million keys. No state reaches further ahead
 * than a minute; `ttl` (milliseconds) is twice that.
 */
export const RATE_LIMIT_BUCKET = {
  name: 'rate-limits',
  ttl: 120_000,
  inMemory: true,
  maxBytes: 64 * 1_024 ** 2,
} as const;

/**
 * Profiles of users as identity knows them now: their last events may still be on the way to the asking service. Users
 * are named by id or by staff id.
 */
export const directoryLookup = ask<
  { accountId: string; userIds: string[]; staffIds?: string[] },
  Pick<DirectoryPage, 'people'>
>('identity', 'rpc.identity.directory.lookup', { calledBy: [RULE_OWNERS], timeout: 3_000 });
export const previewOf = (service: string) =>
  ask<PreviewRequest, PreviewLine[]>(service, `lifecycle.${service}.preview`, { calledBy: IDENTITY });
export const returnPreviewOf = (service: string) =>
  ask<ReturnPreviewRequest, ReturnPreviewLine[]>(service, `lifecycle.${service}.return-preview`, {
    calledBy: IDENTITY,
  });
export const proofOf = (service: string) =>
  ask<ProofRequest, ProofAnswer>(service, `lifecycle.${service}.proof`, { calledBy: IDENTITY, timeout: 30_000 });
export interface HoldingsRequest {
  accountId: string;
  /** At most some hundred. */
  userIds: string[];
}

/** How many rows users own or are assigned. Users without rows are left out. */
export interface HoldingsAnswer {
  held: { userId: string; rows: number }[];
}

/** Rows of the rules that could take them away. */
export const holdingsOf = (service: string) =>
  ask<HoldingsRequest, HoldingsAnswer>(service, `lifecycle.${service}.holdings`, {
    calledBy: IDENTITY,
    timeout: 5_000,
  });
export interface RuleDeclaration {
  service: string;
  rules: RuleDescription[];
  /** The service has a complete directory. It can now process the departures of users who left before it joined. */
  acquainted?: boolean;
}

/**
 * A service declares its rules to identity when it starts and when they change. The answer to a new service says `joining`
 * until the service has declared that it is `acquainted`. Only the service itself may publish on its subject.
 */
export const declareRulesOf = (service: string): Ask<RuleDeclaration, { accepted: number; joining: boolean }> =>
  ask('identity', `rpc.identity.rules.declare.${service}`, { calledBy: service === '*' ? [RULE_OWNERS] : [service] });
/** A new service asks for all users, page by page; `after` is the last user id of the page before. */
export const directorySnapshot = ask<{ after: string | null; limit: number }, DirectoryPage>(
  'identity',
  'rpc.identity.directory.snapshot',
  { calledBy: [RULE_OWNERS] },
);
/** Who a bearer token stands for. */
export interface Introspected extends Principal {
  /** For an API token: an access token of a few seconds, with which services call each other on behalf of its owner. */
  accessToken?: string;
}

/** Introspection: the principal of a bearer token, or null if the token is not valid. */
export const authenticate = ask<{ token: string }, Introspected | null>(
  'identity',
  'rpc.identity.tokens.authenticate',
  { calledBy: [SERVICES] },
);
