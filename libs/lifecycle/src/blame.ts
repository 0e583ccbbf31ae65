import { sql } from 'kysely';
import type { Effect } from './actions.js';
import { verdictOn, type Verdict } from './failures.js';
import type { LeaverRow } from './leaver-table.js';
import type { Db } from './rule.js';
import type { Step } from './rule-set.js';

/** A statement that was to change the rows of several people and failed. */
export interface FailedStatement {
  step: Step;
  effect: Exclude<Effect, { kind: 'none' }>;
  leavers: readonly LeaverRow[];
}

const statements = new WeakMap<object, FailedStatement>();

/** Notes with the error which statement it comes from, and throws it. */
export function blameOn(failed: FailedStatement, error: unknown): never {
  if (typeof error === 'object' && error !== null) statements.set(error, failed);
  throw error;
}

export const failedStatementOf = (error: unknown): FailedStatement | undefined =>
  typeof error === 'object' && error !== null ? statements.get(error) : undefined;

/**
 * Whose rows a statement can't change, by trying it with ever fewer people. Much less work than doing everything else again
 * each time. Leaves all rows as they are.
 * @throws what is transient
 */
export async function offendersOf(db: Db, failed: FailedStatement, now: Date): Promise<Map<string, Verdict>> {
  const verdict = await tried(db, failed, now);
  const { leavers } = failed;
  if (!verdict) return new Map();
  if (leavers.length === 1) return new Map([[leavers[0]!.userId, verdict]]);
  const middle = Math.ceil(leavers.length / 2);
  return new Map([
    ...(await offendersOf(db, { ...failed, leavers: leavers.slice(0, middle) }, now)),
    ...(await offendersOf(db, { ...failed, leavers: leavers.slice(middle) }, now)),
  ]);
}

async function tried(db: Db, { step, effect, leavers }: FailedStatement, now: Date): Promise<Verdict | undefined> {
  await sql`savepoint blame`.execute(db);
  try {
    await step.statements.run(db, effect, leavers, now);
    return undefined;
  } catch (error) {
    const verdict = verdictOn(error);
    if (verdict.kind === 'transient') throw error;
    return verdict;
  } finally {
    await sql`rollback to savepoint blame`.execute(db);
  }
}
