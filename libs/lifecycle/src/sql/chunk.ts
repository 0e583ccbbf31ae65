import { sql } from 'kysely';
import type { Sql } from './relation.js';
import type { Sharing } from './sharing.js';

/** The next `rows` rows in id order, after the id `after`. */
export interface Chunk {
  rows: number;
  after?: string | null;
  /** If several users get the rows. */
  sharing?: Sharing;
}

export interface Changed {
  count: number;
  /**
   * The lowest changed id. The next chunk starts its search there and not at the last id: it visits the index entries of the
   * rows just changed while they are cached, and marks them as dead. Otherwise the final check would visit all of them.
   */
  firstId: string | null;
  /** The number of changed rows by receiver, if several users get them. */
  received?: ReadonlyMap<string, number>;
}

export const afterCursor = ({ after }: Chunk): Sql => (after ? sql`and t.id > ${after}::uuid` : sql``);
