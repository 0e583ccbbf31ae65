import type { ServiceClient } from '#libs/broker';
import type { RawBuilder } from 'kysely';
import type { LeaverRow } from './leaver.js';
import type { Db } from './where.js';

/** What an effect changes beside its rows: other tables of this service, rows of another service, or both. */
export interface SideEffects {
  readonly local?: LocalEffect;
  readonly remote?: RemoteEffect;
}

/** Rows by id, with a number for each. */
export type RowCounts = ReadonlyMap<string, number>;

/**
 * Changes other tables in the transaction that changes the rows.
 * @param rowIds ids of the rows about to change
 * @param leavers the leaver (with successor, if any) by row id
 * @returns without an inverse: how many other rows are lost, by the id of the row that they belonged to
 */
export type ApplyLocally = (
  db: Db,
  rowIds: readonly string[],
  leavers: ReadonlyMap<string, LeaverRow>,
) => Promise<RowCounts | void>;

export interface LocalEffect {
  readonly apply: ApplyLocally;
  readonly inverse: LocalInverse;
}

/** There is nothing that a reactivation would have to undo. */
export const NOTHING_TO_UNDO = 'nothing to undo';

/** The reason why an effect cannot be undone. A restoration counts what is lost as not restored. */
export interface NoInverse {
  readonly impossible: string;
}

/** Undoes the changes for rows that have just been restored. */
export type LocalInverse =
  ((db: Db, rowIds: readonly string[], userId: string) => Promise<void>) | typeof NOTHING_TO_UNDO | NoInverse;

/**
 * Work for another service, with a receipt line of its own. It is recorded in the transaction that changes the rows and
 * sent after the commit until the other service confirms it. Until then the departure goes on. Only the user's current
 * decision is sent, and the other service does nothing if it knows a newer one.
 */
export interface RemoteEffect {
  /** The part of the rule that the receipt line names. */
  readonly part: string;
  /** A query for the ids of the other service's rows that belong to row `t`, in a column. */
  readonly items: RawBuilder<unknown>;
  readonly apply: (client: ServiceClient, command: RemoteCommand) => Promise<RemoteAnswer>;
  /** Undoes what the other service has done for the departure and this rule, as far as nothing has changed since. */
  readonly inverse: ((client: ServiceClient, command: RemoteInverse) => Promise<RemoteAnswer>) | NoInverse;
  /** How many rows the inverse would restore now, for a preview. Without it the preview expects all. */
  readonly countInverse?: (client: ServiceClient, request: Omit<RemoteInverse, 'id'>) => Promise<number>;
}

interface RemoteRequest {
  /** Sorts by time. Repeated requests have the same id. */
  id: string;
  accountId: string;
  /** The leaver. */
  userId: string;
  /** The fence: of the decision on whose behalf the request is sent. */
  lifecycleVersion: number;
  rule: string;
}

export interface RemoteCommand extends RemoteRequest {
  itemIds: string[];
  successor: string | null;
  /** The time of the decision. Whatever has been changed later is left alone. */
  decidedAt: Date;
  /** Whether a reactivation may undo it. */
  undoable: boolean;
}

export interface RemoteInverse extends RemoteRequest {
  /** Lifecycle version of the departure whose effect is undone. */
  undoes: number;
}

/**
 * The other service's answer. `not-yet`: it has not applied its own rules for the decision, or is too old to answer.
 * `superseded`: it knows a newer decision. In both cases it has done nothing, and the request is repeated while it is
 * current.
 */
export type RemoteAnswer =
  | 'not-yet'
  | 'superseded'
  /** For an inverse, `rows` are restored and `notRestored` are not. */
  | { rows: number; notRestored?: number; warning?: string };
