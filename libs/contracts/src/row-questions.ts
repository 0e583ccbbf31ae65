import type { Ask, PreviewRequest } from './lifecycle.js';
import type { AppliedTransition } from './policy.js';
import type { Principal } from './principal.js';

/** Why the rows behind a count of a departure cannot be listed. */
export const ROWS_REASONS = ['not-applied', 'not-recorded', 'destroyed', 'user-returned', 'user-deleted'] as const;
export type RowsReason = (typeof ROWS_REASONS)[number];

interface RowPageRequest {
  accountId: string;
  userId: string;
  rule: string;
  part?: string;
  /** Whose rights decide which labels are in the answer. */
  asker: Pick<Principal, 'userId' | 'roles'>;
  /** `next` of the page before. */
  after: string | null;
  limit: number;
}

/** Asks for the rows that a line of a preview counts. */
export interface RowsRequest
  extends RowPageRequest, Pick<PreviewRequest, 'steps' | 'activeSince' | 'wasManager' | 'rules'> {
  /** Of the line. */
  transition: AppliedTransition;
}

/** Asks for the rows that a deactivation has affected. */
export interface AffectedRowsRequest extends RowPageRequest {
  /** Of the deactivation. */
  lifecycleVersion: number;
}

/** A row by which a person recognizes what a count is about. */
export interface RowAnswer {
  id: string;
  type: string;
  /** Personal data: not for logs and not to be stored. Null if it is hidden. */
  label: string | null;
  /** The asker does not see this row. */
  hidden?: true;
  /** The user who has the row now. */
  holderId?: string;
}

export interface RowPage {
  rows: RowAnswer[];
  /** Matches `ROW_POSITION` or `AFFECTED_ROW_POSITION`. */
  next: string | null;
  /** Rows of this page that no longer exist. */
  gone: number;
  reason?: RowsReason;
}

/** A position in a preview's rows: the id of a row. */
export const ROW_POSITION = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** A position in a departure's rows: likewise, after the number of an undo record if the row is in one. */
export const AFFECTED_ROW_POSITION = /^(\d{1,18}:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const ask = <Request>(service: string, question: string): Ask<Request, RowPage> => ({
  service,
  subject: `lifecycle.${service}.${question}`,
  timeout: 10_000,
  calledBy: ['identity'],
});

/** A page of the rows that a preview counts, in the order of their ids. */
export const rowsOf = (service: string) => ask<RowsRequest>(service, 'rows');
/** A page of the rows that a departure has affected. */
export const affectedRowsOf = (service: string) => ask<AffectedRowsRequest>(service, 'affected-rows');
