import type {
  AwaitedAnswer,
  CalledOffDeparture,
  Departure,
  DepartureBasics,
  DepartureRule,
  DepartureService,
  DepartureServiceSummary,
  DepartureSummary,
  ReceiptLine,
  ResolvedAction,
  Transition,
  UserView,
} from '#libs/contracts';
import type { WaitingEvent } from '#libs/outbox';
import { isoOf, isoOrNull } from '../../../common/moments.js';
import { approvalOf } from '../approvals/approval-facts.js';
import { tellingOf, type DepartureRow } from '../departure-row.js';
import type { ServiceState, ServiceStateSummary } from '../receipt-lines.js';

export interface Parts<State> {
  states: readonly State[];
  calledOff?: CalledOffDeparture[];
  waiting?: WaitingEvent;
}

/** Converts a row to what lists show of a departure. */
export const toSummary = (
  row: DepartureRow,
  parts: Parts<ServiceStateSummary>,
  people: ReadonlyMap<string, UserView>,
): DepartureSummary => ({
  ...common(row, parts),
  user: people.get(row.user_id)!,
  requester: (row.requested_by && people.get(row.requested_by)) || null,
  services: parts.states.map((state) => summaryOf(state, parts.waiting)),
});

/** Converts a row to the API representation of a departure. */
export const toDeparture = (row: DepartureRow, parts: Parts<ServiceState>): Departure => ({
  ...common(row, parts),
  ...wishesOf(row),
  services: parts.states.map((state) => serviceOf(state, row, parts.waiting)),
});

function common(row: DepartureRow, { calledOff }: Parts<unknown>): DepartureBasics {
  return {
    id: row.id,
    userId: row.user_id,
    transition: row.transition,
    status: row.status,
    requestedBy: row.requested_by,
    ...(row.requester_has_left && { requesterHasLeft: true }),
    requestedAt: isoOf(row.requested_at),
    effectiveAt: isoOf(row.effective_at),
    completedAt: isoOrNull(row.completed_at),
    reason: row.reason,
    ...(row.return_at && { returnAt: isoOf(row.return_at) }),
    ...(row.returns_from && { returnsFrom: row.returns_from }),
    ...(row.erases_from && { erasesFrom: row.erases_from }),
    ...(row.conversion && { inboxId: row.conversion.inboxId }),
    ...(row.error && { error: row.error, errorDetail: row.error_detail ?? undefined }),
    ...(calledOff && { calledOff }),
    ...(row.called_off_by && { calledOffBy: row.called_off_by }),
    ...(row.approval && { approval: approvalOf(row.approval) }),
    progress: { done: row.done, total: row.total },
  };
}

function wishesOf(row: DepartureRow): Pick<Departure, 'successors' | 'overrides' | 'restore' | 'tellContacts'> {
  const { successors, overrides, returnRestore, restore = returnRestore } = row.wishes;
  const tellContacts = tellingOf(row);
  return {
    ...(successors && { successors }),
    ...(overrides && { overrides }),
    ...(restore && { restore: restore === 'all' ? restore : [...restore] }),
    ...(tellContacts && { tellContacts }),
  };
}

function summaryOf(
  { service, status, error, failure, updated_at: since }: ServiceStateSummary,
  waiting?: WaitingEvent,
): DepartureServiceSummary {
  return {
    service,
    status,
    ...(error && { error }),
    ...(isOpen(status) && failure && { failure }),
    ...(status === 'pending' && waiting?.services.includes(service) && { awaited: awaited(since!, waiting) }),
  };
}

const serviceOf = (state: ServiceState, row: DepartureRow, waiting?: WaitingEvent): DepartureService => ({
  ...summaryOf(state, waiting),
  rules: linesOf(state, row).map((line) => withReceivers(line, row)),
});

/** A completed departure is proven. */
function linesOf({ status, rules }: ServiceState, row: DepartureRow): readonly ReceiptLine[] {
  if (row.status === 'completed') return rules.map(withNothingLeft);
  return isOpen(status) ? rules : rules.map(withoutFailure);
}

const isOpen = (status: ServiceState['status']): boolean => status === 'running' || status === 'failed';

const awaited = (since: string, { attempts, dueAt }: WaitingEvent): AwaitedAnswer => ({
  since: isoOf(since),
  attempts,
  ...(dueAt && { nextTryAt: isoOf(dueAt) }),
});

const withoutFailure = ({ failure: _failure, ...line }: ReceiptLine): ReceiptLine => line;

/** In a completed departure no rows remain. The stored lines may lack that number. */
const withNothingLeft = (line: ReceiptLine): ReceiptLine => ({
  ...line,
  remaining: line.remaining ?? (line.finishedAt ? 0 : null),
});

/**
 * The line with a list of receivers if the request has named the successor as an object. A service of a former version repeats
 * fields of the action that it does not know.
 */
function withReceivers(
  { transferredTo, receivers, ...line }: ReceiptLine & Pick<ResolvedAction, 'team' | 'namedBy'>,
  { policy }: DepartureRow,
): DepartureRule {
  const { team: _team, namedBy: _namedBy, to: _to, ...shown } = line;
  if (transferredTo === undefined && !receivers) return shown;
  const { team, namedBy } = policy.rules[line.rule]?.[line.transition as Transition] ?? {};
  if (!receivers && !team && !namedBy) return { ...shown, transferredTo };
  const one =
    transferredTo !== undefined && line.affected > 0 ? [{ userId: transferredTo, affected: line.affected }] : [];
  return { ...shown, transferredTo: receivers ?? one };
}
