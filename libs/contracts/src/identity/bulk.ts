import { Flag, Id, ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import { NoBody, operation, type Operation } from '../operation.js';
import { LEAVING_TRANSITIONS, type LeavingTransition } from '../policy.js';
import { MANAGERS } from '../principal.js';
import { PROBLEM_CODES, type ProblemCode } from '../problem.js';
import { Approval } from './approvals.js';
import { ContactsTelling, DepartureWishes, PLAN_TOKEN_MAX, TellContacts } from './departure-requests.js';
import { CalledOffDeparture, DEPARTURE_STATUSES } from './departures.js';
import { DRY_RUN_DAYS, DryRunItem, DryRunTotal } from './dry-runs.js';
import { Successors, type NamedSuccessors } from './successors.js';

export const BULK_MAX = 10_000;
/** Characters. A request can have less. */
const CSV_MAX = 1_000_000;
const ROW_STATUSES = ['waiting', 'refused', ...DEPARTURE_STATUSES] as const;
export type BulkRowStatus = (typeof ROW_STATUSES)[number];

export class BulkLeaver {
  @Id() userId: string;
  @Successors() successors?: NamedSuccessors;
}

export class BulkRequest extends DepartureWishes {
  @OneOf(LEAVING_TRANSITIONS) transition: LeavingTransition;
  @ListOf(() => BulkLeaver, {
    max: BULK_MAX,
    optional: true,
    about: 'The users who leave, each with other successors if needed. Use a CSV file for very long lists.',
  })
  users?: BulkLeaver[];
  @Text({
    max: CSV_MAX,
    optional: true,
    about:
      'Instead of `users`: the users as in a CSV file, with a header line and the columns `staffId` and `successorStaffId`.',
  })
  csv?: string;
  @ContactsTelling() tellContacts?: TellContacts;
  @Text({
    optional: true,
    max: PLAN_TOKEN_MAX,
    about:
      'From a dry run of the same list. The request is refused if the policy, the list, a row’s result or what would be ' +
      'destroyed differs.',
  })
  planToken?: string;
}

/**
 * The same as a CSV file with the columns `staffId` and, for the successor of all rules, `successorStaffId`: a staff id,
 * `manager`, or `team:` with the name or the id of a team, and `:fewest-open` at the end for those with the fewest rows first.
 */
export interface BulkFile {
  csv: string;
}

export class BulkQuery {
  @OneOf(LEAVING_TRANSITIONS, { optional: true, about: 'For all users in a CSV file.' }) transition?: LeavingTransition;
  @Flag({ optional: true, about: 'Only count and check: nothing is changed.' }) dryRun?: boolean;
  @Text({ optional: true, max: PLAN_TOKEN_MAX, about: 'For a CSV file, like `planToken` in JSON.' }) planToken?: string;
}

export class StartedBulk {
  @Id() id: string;
}

export class BulkCounts {
  @Whole() total: number;
  @Whole({ about: 'Rows that are not decided yet.' }) waiting: number;
  @Whole({ about: 'Rows that have become a departure.' }) accepted: number;
  @Whole() refused: number;
  @Whole({ about: 'Accepted rows whose departures are complete.' }) completed: number;
  @Whole({ about: 'Accepted rows whose departures have failed.' }) failed: number;
}

export class BulkRow {
  @Whole({ min: 1, about: 'Position in the request, or in the file without its header line.' }) row: number;
  @Id({ nullable: true, about: 'Null if no user has the staff id.' }) userId: string | null;
  @OneOf(ROW_STATUSES, { about: 'The status of the departure once the row is accepted.' }) status: BulkRowStatus;
  @OneOf(PROBLEM_CODES, { optional: true, about: 'Why it was refused.' }) code?: ProblemCode;
  @Text({ optional: true, max: 1000 }) detail?: string;
  @Id({ optional: true }) departureId?: string;
  @ListOf(() => CalledOffDeparture, {
    optional: true,
    about: 'The scheduled departures of the user that this one has called off or overtaken.',
  })
  calledOff?: CalledOffDeparture[];
}

export class BulkDeparture {
  @Id() id: string;
  @OneOf(['awaiting-approval', 'running', 'completed'], {
    about: '`completed` when every row is refused or its departure has ended; in a dry run, when every row is counted.',
  })
  status: 'awaiting-approval' | 'running' | 'completed';
  @OneOf(LEAVING_TRANSITIONS) transition: LeavingTransition;
  @Moment() requestedAt: string;
  @Nested(() => BulkCounts, { about: 'In a dry run, rows that are possible are `accepted`, and the others `refused`.' })
  counts: BulkCounts;
  @ListOf(() => BulkRow, { max: 2_000, about: 'Empty in a dry run.' }) rows: BulkRow[];
  @Text({ nullable: true, about: 'Of the next page of rows or items.' }) nextCursor: string | null;
  @Flag({ optional: true, about: 'True for a dry run, which has changed nothing.' }) dryRun?: boolean;
  @Moment({ optional: true, about: `When the dry run is deleted: after ${DRY_RUN_DAYS} days.` }) expiresAt?: string;
  @ListOf(() => DryRunTotal, { optional: true, about: 'In a dry run: rules with rows of users who can leave.' })
  totals?: DryRunTotal[];
  @ListOf(() => DryRunItem, { optional: true, max: 2_000, about: 'In a dry run: its rows that are counted.' })
  items?: DryRunItem[];
  @Text({
    optional: true,
    max: PLAN_TOKEN_MAX,
    about:
      'Of a completed dry run: to carry out exactly this list. Of a list that waits: to approve it under the present policy.',
  })
  planToken?: string;
  @Nested(() => Approval, { optional: true, about: 'For a list that needs or needed an approval.' })
  approval?: Approval;
  @Nested(() => TellContacts, {
    optional: true,
    about: 'Of a list that waits for an approval: what the contacts of each leaver are told.',
  })
  tellContacts?: TellContacts;
}

export class BulkRowQuery {
  @Whole({ min: 1, max: 2_000, optional: true, about: 'The most rows to return. Default: 1000.' }) limit?: number;
  @Text({ optional: true, about: '`nextCursor` of the previous page.' }) cursor?: string;
  @OneOf(ROW_STATUSES, { optional: true, about: 'Only rows with this status.' }) status?: BulkRowStatus;
  @Flag({ optional: true, about: 'In a dry run: only rows that are possible, or only the others.' }) possible?: boolean;
}

const ofManagers = { service: 'identity', access: MANAGERS } as const;

export const departuresBulk = operation<StartedBulk, BulkRequest | BulkFile, BulkQuery>({
  ...ofManagers,
  id: 'departures.bulk',
  method: 'POST',
  path: '/v1/departures/bulk',
  summary: 'Deactivate or delete up to 10,000 users; refused users do not stop the others',
  query: BulkQuery,
  body: BulkRequest,
  answer: StartedBulk,
  status: 202,
  custom: true,
  consumes: ['application/json', 'text/csv'],
  errors: [
    ...(['forbidden', 'unknown-rule', 'invalid-action', 'plan-stale', 'no-approver'] as const),
    ...(['unknown-reference', 'service-unavailable'] as const),
  ],
  timeout: 60_000,
});

/**
 * The same operation for dry runs and for lists with a plan token, on a subject of its own: an older identity does not know
 * these fields, and would carry out the list.
 */
export const departuresBulkPlanned = (): Operation<BulkRequest | BulkFile, BulkQuery, StartedBulk> => ({
  ...departuresBulk,
  subject: 'rpc.identity.departures.bulk-planned',
});

export const bulkDeparturesGet = operation<BulkDeparture, NoBody, BulkRowQuery>({
  ...ofManagers,
  id: 'departures.bulk.get',
  method: 'GET',
  path: '/v1/departures/bulk/:id',
  summary: 'Read the progress of a bulk departure, or the result of a dry run',
  query: BulkRowQuery,
  answer: BulkDeparture,
  errors: ['not-found', 'invalid-cursor'],
});
