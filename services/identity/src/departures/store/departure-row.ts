import type {
  ActionInput,
  AppliedTransition,
  Conversion,
  DepartureStatus,
  DepartureTransition,
  NamedSuccessors,
  ProblemCode,
  ResolvedPolicy,
  Restore,
  Telling,
} from '#libs/contracts';
import type { ApprovalFacts } from './approvals/approval-facts.js';

/** What the request of a departure names. Successors and overrides are stored only for departures that had to wait. */
export interface Wishes {
  successors?: NamedSuccessors;
  overrides?: Record<string, ActionInput>;
  /** Of a return: what it restores. */
  restore?: Restore;
  /** Of a deactivation with a return: the same for that return. */
  returnRestore?: Restore;
  /** Of a decision that has inherited the step of a take-over: the lifecycle version of that take-over. */
  takenOverAt?: number;
  /** What the leaver's contacts are told. When the departure has ended, the text is erased. */
  tellContacts?: Partial<Telling>;
}

/** A row of `departure` without the columns that only workers read. Times are in PostgreSQL's text format. */
export interface DepartureRow {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  status: DepartureStatus;
  requested_by: string | null;
  /** Only of a departure that is scheduled or waits for approval. */
  requester_has_left: boolean;
  requested_at: string;
  effective_at: string;
  completed_at: string | null;
  reason: string | null;
  begun_at: string | null;
  return_at: string | null;
  returns_from: string | null;
  /** Of a deletion that the policy has scheduled: the deactivation before it. */
  erases_from: string | null;
  /** The departure whose decision has ended this scheduled one. */
  called_off_by: string | null;
  /** The code with which a guard refused a scheduled departure when it was due. */
  error: ProblemCode | null;
  error_detail: string | null;
  /** This and the following columns are null until the departure starts. */
  steps: AppliedTransition[];
  active_since: number;
  was_manager: boolean;
  policy: ResolvedPolicy;
  wishes: Wishes;
  lifecycle_version: number;
  seq: number;
  /** Set only for a deletion that is not completed. */
  address_digest: string | null;
  /** Set only for a conversion. */
  conversion: Conversion | null;
  /** Set only for a departure that needs or needed an approval. */
  approval: ApprovalFacts | null;
  round: number;
  total: number;
  done: number;
}

/** What the leaver's contacts are still to be told. */
export function tellingOf({ wishes: { tellContacts } }: Pick<DepartureRow, 'wishes'>): Telling | undefined {
  const { text, ...more } = tellContacts ?? {};
  return text === undefined ? undefined : { text, ...more };
}
