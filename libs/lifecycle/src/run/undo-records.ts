import { sql } from 'kysely';
import type { ReceiptLine, Restore, UserEvent } from '#libs/contracts';
import * as inbox from '../inbox/inbox.js';
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
 * the next reactivation restores the rest. Nor does a reassignment, which has no records of its own.
 * @param keptRules the ids of the rules whose records stay after a reactivation
 */
export async function dropUndoRecords(
  db: Db,
  events: readonly UserEvent[],
  keptRules: (event: UserEvent) => readonly string[] | 'all',
): Promise<void> {
  const rows = events.flatMap((event) => {
    const { type, data } = event;
    const keepsAll = type === 'user.deactivated' || type === 'user.reassigned';
    const kept = keepsAll ? 'all' : type === 'user.reactivated' ? keptRules(event) : [];
    return kept === 'all' ? [] : [{ user_id: data.userId, lifecycle_version: data.lifecycleVersion, kept }];
  });
  if (rows.length === 0) return;
  await sql`
    delete from undo u
    using jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (user_id uuid, lifecycle_version bigint, kept text[])
    where u.user_id = n.user_id and u.lifecycle_version < n.lifecycle_version and u.rule <> all (n.kept)`.execute(db);
}

/** A user who returns, with the lifecycle version of the reactivation. */
export interface Returning {
  userId: string;
  lifecycleVersion: number;
}

/** What one rule did in the departure, to be undone. */
export interface RuleUndo {
  /** The receipt line of the departure. Its `affected` does not include `carriedOver`. */
  done: ReceiptLine;
  lifecycleVersion: number;
  /** Undefined if this version of the service no longer offers the action. */
  step?: Step;
  records: UndoRecord[];
  /** Rows of an earlier departure that its restoration had not reached when this departure superseded it. */
  carriedOver: number;
}

export const isWanted = (undo: RuleUndo, wanted: Restore | undefined): boolean =>
  isNamed(undo.done.rule, wanted) || isHalfDone(undo);

export const isNamed = (rule: string, wanted: Restore | undefined): boolean =>
  wanted === 'all' || wanted?.includes(rule) === true;

/** Whether the immediate half of the action was applied and the delayed half is cancelled. */
const isHalfDone = ({ done, step }: RuleUndo): boolean =>
  isCalledOff(done) && step?.later !== undefined && step.action.effect.kind === 'set';

/** Whether the reactivation has cancelled the delayed effect. */
export const isCalledOff = ({ dueAt, doneAt }: ReceiptLine): boolean => dueAt !== undefined && doneAt === undefined;

/** What the departures did that this reactivation ends. */
export async function undosOf(db: Db, rules: RuleSet, data: Returning): Promise<RuleUndo[]> {
  const lines = await inbox.departureLines(db, data);
  // An effect that has happened after its delay is final.
  const records = (await recordsOf(db, rules, data.userId)).filter((record) => !record.line?.doneAt);
  const undos = lines.flatMap(({ line, lifecycleVersion }): RuleUndo[] => {
    const step = offeredStep(rules, line);
    const own = records.filter((record) => record.lifecycleVersion === lifecycleVersion && isOf(record, line));
    const nothingDone = step?.action.effect.kind === 'none' && !step.action.later;
    // Another service may have done something that it has not confirmed.
    if (nothingDone || (line.affected === 0 && !(step?.remote && !line.finishedAt))) return [];
    return [{ done: line, lifecycleVersion, step, records: own, carriedOver: 0 }];
  });
  const found = new Set(undos.flatMap((undo) => undo.records));
  undos.push(
    ...(await carriedOverRemotely(
      db,
      rules,
      data.userId,
      records.filter((record) => !found.has(record)),
    )),
  );
  for (const record of records) {
    if (found.has(record) || !record.line) continue;
    let undo = undos.find(({ done }) => isOf(record, done));
    if (!undo) {
      undo = {
        done: { ...record.line, affected: 0 },
        lifecycleVersion: record.lifecycleVersion,
        ...{ step: record.step, records: [], carriedOver: 0 },
      };
      undos.push(undo);
    }
    undo.records.unshift(record);
    undo.carriedOver += record.rows;
  }
  return undos;
}

/** The remote effects of an earlier departure whose rows are still to be restored. */
async function carriedOverRemotely(
  db: Db,
  rules: RuleSet,
  userId: string,
  records: readonly UndoRecord[],
): Promise<RuleUndo[]> {
  if (!rules.hasRemoteEffects) return [];
  const versions = new Set(records.map(({ lifecycleVersion }) => lifecycleVersion));
  const rows = await inbox.find(
    db,
    [...versions].map((lifecycleVersion) => ({ userId, lifecycleVersion })),
  );
  const lines = rows.flatMap((row) =>
    row.lines.map((done) => ({ done, lifecycleVersion: Number(row.lifecycle_version) })),
  );
  return lines
    .filter(({ done, lifecycleVersion }) => {
      const its = records.some((record) => record.lifecycleVersion === lifecycleVersion && record.rule === done.rule);
      const any = done.transition === 'deactivated' && (done.affected > 0 || !done.finishedAt);
      return its && any && rules.remoteEffect(done.rule, done.part);
    })
    .map((line) => ({ ...line, step: offeredStep(rules, line.done), records: [], carriedOver: 0 }));
}

const isOf = ({ rule, part }: UndoRecord, line: ReceiptLine): boolean =>
  line.rule === rule && (line.part ?? '') === part;
