import { sql } from 'kysely';
import type { ReceiptLine, UserEvent } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import { offeredStep, type RuleSet, type Step } from './rule-set.js';

/** The rows that one statement of a departure changed. A reactivation can restore them. */
export interface UndoRecord {
  id: string;
  rule: string;
  part: string;
  /** Of the departure. */
  lifecycleVersion: number;
  rows: number;
  /** Rows of other tables that side effects took and that cannot be restored. */
  lost: number;
  /** The receipt line of the departure. Null if the receipt was deleted. */
  line: ReceiptLine | null;
  /** Undefined if this version of the service no longer offers the action. */
  step?: Step;
}

/** The result of restoring a record. */
export interface Restored {
  given: number;
  /** Whether a value was not restored because it names another user who has left since. */
  partly?: boolean;
}

/** A user's records, oldest first; with `next`, only the first two of one rule and part. */
export async function recordsOf(
  db: Db,
  rules: RuleSet,
  userId: string,
  next?: { rule: string; part: string },
): Promise<UndoRecord[]> {
  const narrowed = next ? sql`and u.rule = ${next.rule} and u.part = ${next.part}` : sql``;
  const { rows } = await sql<Omit<UndoRecord, 'step'>>`
    select u.id, u.rule, u.part, u.lifecycle_version::float8 as "lifecycleVersion", cardinality(u.row_ids) as rows,
      u.lost::float8 as lost, (
      select line from inbox i cross join jsonb_array_elements(i.lines) line
      where i.user_id = u.user_id and i.lifecycle_version = u.lifecycle_version and line ->> 'transition' = 'deactivated'
        and line ->> 'rule' = u.rule and coalesce(line ->> 'part', '') = u.part limit 1) as line
    from undo u where u.user_id = ${userId} ${narrowed} order by u.id ${next ? sql`limit 2` : sql``}`.execute(db);
  return rows.map((row) => ({ ...row, step: row.line ? offeredStep(rules, row.line) : undefined }));
}

/** Restores the rows of one record and deletes it. */
export async function restoreRecord(db: Db, userId: string, { id, step }: UndoRecord, now: Date): Promise<Restored> {
  const effect = step?.action.effect;
  if (effect?.kind !== 'set') {
    await sql`delete from undo where user_id = ${userId} and id = ${id}`.execute(db);
    return { given: 0 };
  }
  const { ids, partly } = await step!.statements.undoStatements(effect).restore(db, userId, id, now);
  const inverse = effect.sideEffects?.local?.inverse;
  if (typeof inverse === 'function' && ids.length > 0) await inverse(db, ids, userId);
  return { given: ids.length, partly };
}

/** Restores the next undo record of a rule. A task calls this once per chunk. */
export async function restoreNext(
  db: Db,
  rules: RuleSet,
  { userId, rule, part }: { userId: string; rule: string; part: string },
  now: Date,
): Promise<Restored & { more: boolean }> {
  const [next, another] = await recordsOf(db, rules, userId, { rule, part });
  const restored = next ? await restoreRecord(db, userId, next, now) : { given: 0 };
  return { ...restored, more: another !== undefined };
}

/**
 * Deletes records that are no longer needed: all records of deleted users and of users who were taken over, and of
 * reactivated users those of rules that are not kept. A deactivation deletes none: it may have superseded a restoration, and
 * the next reactivation restores the rest.
 * @param keptRules the ids of the rules whose records stay after a reactivation
 */
export async function dropUndoRecords(
  db: Db,
  events: readonly UserEvent[],
  keptRules: (event: UserEvent) => readonly string[] | 'all',
): Promise<void> {
  const rows = events.flatMap((event) => {
    const { type, data } = event;
    const kept = type === 'user.deactivated' ? 'all' : type === 'user.reactivated' ? keptRules(event) : [];
    return kept === 'all' ? [] : [{ user_id: data.userId, lifecycle_version: data.lifecycleVersion, kept }];
  });
  if (rows.length === 0) return;
  await sql`
    delete from undo u
    using jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (user_id uuid, lifecycle_version bigint, kept text[])
    where u.user_id = n.user_id and u.lifecycle_version < n.lifecycle_version and u.rule <> all (n.kept)`.execute(db);
}
