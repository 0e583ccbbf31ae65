import { sql } from 'kysely';
import type { Sql } from './relation.js';

/** Who gets the rows of a chunk, which several users share. */
export interface Sharing {
  receiverIds: readonly string[];
  /** For each row of the chunk, in id order: the position of its receiver, from 0. At least as long as the chunk. */
  turns: readonly number[];
}

/** @param n the position of the row in the chunk, in id order, from 0 */
export const receiverOf = ({ receiverIds, turns }: Sharing, n: number): string => receiverIds[turns[n]!]!;

/**
 * The rows of a chunk with a successor for each.
 * @param target a query for the ids of the rows (`row_id`) with the columns of the leaver
 */
export const sharedAmong = (target: Sql, { receiverIds, turns }: Sharing): Sql => sql`
  select n.row_id, n.user_id, n.account_id, n.was_manager, n.left_at,
    (${[...receiverIds]}::uuid[])[(${[...turns]}::int[])[n.nth] + 1] as successor, n.due, n.undo_version
  from (select s.*, row_number() over (order by s.row_id) as nth from (${target}) s) n`;
