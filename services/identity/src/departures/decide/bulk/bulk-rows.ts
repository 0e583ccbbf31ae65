import type { NamedSuccessors } from '#libs/contracts';
import type { NamedRow, RowFault } from './bulk-files.js';

/** A row of a list as the tables hold it. With a fault it is refused immediately. */
export interface ListedRow {
  n: number;
  userId: string | null;
  successors: NamedSuccessors;
  fault?: RowFault;
}

/** Numbers the rows. Rows that cannot be read, repeat a user, or whose staff id is unknown, have a fault. */
export function listedRows(rows: readonly NamedRow[]): ListedRow[] {
  const seen = new Set<string>();
  return rows.map(({ userId, successors = {}, fault: own }, index) => {
    const fault = own ?? (userId === null ? UNKNOWN_STAFF_ID : seen.has(userId) ? NAMED_AGAIN : undefined);
    if (userId !== null) seen.add(userId);
    return { n: index + 1, userId, successors, ...(fault && { fault }) };
  });
}

const UNKNOWN_STAFF_ID: RowFault = { code: 'unknown-user', detail: 'No user has this staff id.' };
const NAMED_AGAIN: RowFault = { code: 'conflict', detail: 'The user is named in an earlier row.' };
