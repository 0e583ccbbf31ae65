import type {
  Conversion,
  DepartureStatus,
  DepartureTransition,
  ProblemCode,
  ResolvedPolicy,
  Restore,
  Transition,
} from '#libs/contracts';

/** A row of `departure` without the columns that only its workers read. Times are as PostgreSQL writes them. */
export interface DepartureRow {
  id: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  status: DepartureStatus;
  requested_by: string | null;
  requested_at: string;
  effective_at: string;
  completed_at: string | null;
  reason: string | null;
  begun_at: string | null;
  return_at: string | null;
  returns_from: string | null;
  /** Why a guard refused a scheduled departure on its day. */
  error: ProblemCode | null;
  error_detail: string | null;
  /** This and what follows is decided when the departure begins; before that it is null. */
  steps: Transition[];
  active_since: number;
  was_manager: boolean;
  policy: ResolvedPolicy;
  /** What the request asked for beside the policy; of a reactivation, what it restores. */
  wishes: { restore?: Restore };
  lifecycle_version: number;
  seq: number;
  /** Only of a deletion that is not complete. */
  address_digest: string | null;
  /** Only of a user who becomes a shared inbox. */
  conversion: Conversion | null;
  round: number;
  total: number;
  done: number;
}
