import { sql } from 'kysely';
import { classifyError } from '#libs/jobs';
import type { Db } from '../declare/where.js';

/** What a statement has done for those for whom it can be carried out. */
export interface BisectResult<T> {
  /** Changed rows by user. */
  counts: ReadonlyMap<string, number>;
  /** For whom it can't be, with an error code. */
  failed: ReadonlyMap<T, string>;
}

/**
 * Carries out one statement for many people. Where it fails it is tried with ever fewer of them, each time behind a
 * savepoint, until only those are left out who make it fail: what has been done before for all of them stays done.
 * @throws what is transient
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
    const { kind, code } = classifyError(error);
    if (kind === 'transient') throw error;
    await sql`rollback to savepoint division`.execute(db);
    await sql`release savepoint division`.execute(db);
    if (people.length === 1) return { counts: new Map(), failed: new Map([[people[0]!, code]]) };
  }
  const middle = Math.ceil(people.length / 2);
  const one = await bisectOnFailure(db, people.slice(0, middle), statement);
  const other = await bisectOnFailure(db, people.slice(middle), statement);
  return {
    counts: new Map([...one.counts, ...other.counts]),
    failed: new Map([...one.failed, ...other.failed]),
  };
}
