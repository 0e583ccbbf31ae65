import type { TeamWay } from '#libs/contracts';
import type { Effect } from '../declare/actions.js';
import type { LeaverRow } from '../declare/leaver.js';
import type { Db } from '../declare/where.js';
import { countRows } from './counting.js';
import type { Sharing } from './sharing.js';
import type { Statements } from './statements.js';

/** A member is counted no further. Those with more rows have equally many. */
const MOST_COUNTED = 50_000;

/** What the turns of a chunk depend on. */
interface Turns {
  leaver: LeaverRow;
  team: { readonly by: TeamWay; readonly memberIds: readonly string[] };
  /** The most rows that the chunk can have. */
  rows: number;
  /** Rows of the leaver that members of teams have got in this service: a round robin goes on from there. */
  before: number;
}

/** Who gets which row of the next chunk. */
export async function sharingOf(
  db: Db,
  statements: Statements,
  effect: Effect,
  { leaver, team: { by, memberIds }, rows, before }: Turns,
  now: Date,
): Promise<Sharing> {
  if (by === 'round-robin')
    return { receiverIds: memberIds, turns: inTurn(memberIds.length, rows, before + startOf(leaver.userId)) };
  const { accountId, wasManager } = leaver;
  const members = memberIds.map((userId) => ({ userId, accountId, wasManager, leftAt: now }));
  const counts = await countRows(db, statements, effect, members, { atMost: MOST_COUNTED });
  return {
    receiverIds: memberIds,
    turns: fewestFirst(
      memberIds.map((userId) => counts.get(userId) ?? 0),
      rows,
    ),
  };
}

const inTurn = (members: number, rows: number, start: number): number[] =>
  Array.from({ length: rows }, (_, n) => (start + n) % members);

/**
 * Each row goes to a member who has the fewest then.
 * @param open the rows of each member before
 */
function fewestFirst(open: readonly number[], rows: number): number[] {
  const ascending = open.map((count, member) => ({ count, member })).sort((one, other) => one.count - other.count);
  const turns: number[] = [];
  let reached = 0;
  for (let level = ascending[0]!.count; turns.length < rows; level++) {
    while (reached < ascending.length && ascending[reached]!.count <= level) reached++;
    for (let n = 0; n < reached && turns.length < rows; n++) turns.push(ascending[n]!.member);
  }
  return turns;
}

/** Differs between leavers, so that not all of them begin with the same member. */
const startOf = (userId: string): number => Number.parseInt(userId.slice(-6), 16);
