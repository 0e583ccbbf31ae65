import { Id, ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import type { Class } from '../fields/registry.js';
import { NoBody, operation } from '../operation.js';
import { TRANSITIONS, type Transition } from '../policy.js';
import { MANAGERS } from '../principal.js';
import { PROBLEM_CODES, type ProblemCode } from '../problem.js';
import { DEPARTURE_STATUSES, DepartureWishes, Successors, type NamedSuccessors } from './departures.js';

export const BULK_MAX = 10_000;
const ROW_STATUSES = ['waiting', 'refused', ...DEPARTURE_STATUSES] as const;
export type BulkRowStatus = (typeof ROW_STATUSES)[number];

export class BulkLeaver {
  @Id() userId: string;
  @Successors() successors?: NamedSuccessors;
}

export class BulkRequest extends DepartureWishes {
  @OneOf(TRANSITIONS) transition: Transition;
  @ListOf(() => BulkLeaver, {
    max: BULK_MAX,
    about:
      'With successors of their own where those for all do not suit. A very long list fits better into a CSV file.',
  })
  users: BulkLeaver[];
}

/** The same as a file with the columns `staffId` and, for whoever takes over everything, `successorStaffId`. */
export interface BulkFile {
  csv: string;
}

export class BulkQuery {
  @OneOf(TRANSITIONS, { optional: true, about: 'Of everybody in a CSV file.' }) transition?: Transition;
}

export class StartedBulk {
  @Id() id: string;
}

export class BulkCounts {
  @Whole() total: number;
  @Whole({ about: 'Rows not decided yet.' }) waiting: number;
  @Whole({ about: 'Rows that have become a departure.' }) accepted: number;
  @Whole() refused: number;
  @Whole({ about: 'Of the accepted: departures that are complete.' }) completed: number;
  @Whole({ about: 'Of the accepted: departures that have failed.' }) failed: number;
}

export class BulkRow {
  @Whole({ min: 1, about: 'Place in the request, or in the file without its heading.' }) row: number;
  @Id({ nullable: true, about: 'Null for a staff id that nobody has.' }) userId: string | null;
  @OneOf(ROW_STATUSES, { about: 'Once accepted, the status of the departure.' }) status: BulkRowStatus;
  @OneOf(PROBLEM_CODES, { optional: true, about: 'Why it was refused.' }) code?: ProblemCode;
  @Text({ optional: true, max: 1000 }) detail?: string;
  @Id({ optional: true }) departureId?: string;
}

export class BulkDeparture {
  @Id() id: string;
  @OneOf(['running', 'completed'], { about: 'Completed when every row is refused or its departure is over.' })
  status: 'running' | 'completed';
  @OneOf(TRANSITIONS) transition: Transition;
  @Moment() requestedAt: string;
  @Nested(() => BulkCounts) counts: BulkCounts;
  @ListOf(() => BulkRow, { max: 2_000 }) rows: BulkRow[];
  @Text({ nullable: true, about: 'Of the rows.' }) nextCursor: string | null;
}

export class BulkRowQuery {
  @Whole({ min: 1, max: 2_000, optional: true, about: 'How many rows at most; 1000 unless told.' }) limit?: number;
  @Text({ optional: true, about: '`nextCursor` of the answer before.' }) cursor?: string;
  @OneOf(ROW_STATUSES, { optional: true, about: 'Only rows that are so.' }) status?: BulkRowStatus;
}

const ofManagers = { service: 'identity', access: MANAGERS } as const;

export const departuresBulk = operation<StartedBulk, BulkRequest | BulkFile, BulkQuery>({
  ...ofManagers,
  id: 'departures.bulk',
  method: 'POST',
  path: '/v1/departures/bulk',
  summary: 'Have up to 10,000 users leave; a refused one does not stop the others',
  query: BulkQuery,
  body: BulkRequest as Class<BulkRequest | BulkFile>,
  answer: StartedBulk,
  status: 202,
  custom: true,
  consumes: ['application/json', 'text/csv'],
  errors: ['forbidden', 'unknown-rule', 'invalid-action'],
  timeout: 15_000,
});

export const bulkDeparturesGet = operation<BulkDeparture, NoBody, BulkRowQuery>({
  ...ofManagers,
  id: 'departures.bulk.get',
  method: 'GET',
  path: '/v1/departures/bulk/:id',
  summary: 'Read what has become of everybody in a bulk departure',
  query: BulkRowQuery,
  answer: BulkDeparture,
  errors: ['not-found', 'invalid-cursor'],
});
