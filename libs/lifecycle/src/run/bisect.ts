import { sql } from 'kysely';
import { isTransient } from '#libs/jobs';
import type { Db } from '../declare/where.js';
import { causeOf, type FailureCause } from '../declare/failure.js';

/** The result of a statement that may have failed for some leavers. */
export interface BisectResult<T> {
  /** Changed rows by user. */
  counts: ReadonlyMap<string, number>;
  /** The leavers for whom it failed, and why. */
  failed: ReadonlyMap<T, FailureCause>;
}

/**
 * Runs one statement for many leavers. If it fails, runs it for each half, and so on, each time after a savepoint, until it
 * has failed only for those who cause the failure. Earlier changes in the transaction are kept.
 * @throws transient errors
 */
export async function bisectOnFailure<T>(
  db: Db,
  people: readonly T[],
  statement: (some: readonly T[]) => Promise<ReadonlyMap<string, number>>,
): Promise<BisectResult<T>> {
  if (people.length === 0) return { counts: new Map(), failed: new Map() };
  await sql`savepoint division`.execute(db);
  try {
    const counts = await statement(people);
    await sql`release savepoint division`.execute(db);
    return { counts, failed: new Map() };
  } catch (error) {
    if (isTransient(error)) throw error;
    await sql`rollback to savepoint division`.execute(db);
    await sql`release savepoint division`.execute(db);
    if (people.length === 1) return { counts: new Map(), failed: new Map([[people[0]!, causeOf(error)]]) };
  }
  const middle = Math.ceil(people.length / 2);
  const one = await bisectOnFailure(db, people.slice(0, middle), statement);
  const other = await bisectOnFailure(db, people.slice(middle), statement);
  return {
    counts: new Map([...one.counts, ...other.counts]),
    failed: new Map([...one.failed, ...other.failed]),
  };
}
