import { sql } from 'kysely';
import { RESTORE, type ReceiptLine, type ResolvedAction, type Restore, type UserEvent } from '#libs/contracts';
import * as inbox from '../inbox/inbox.js';
import type { Db } from '../declare/where.js';
import { UnknownAction, type RuleSet, type Step } from './rule-set.js';
import type { RowBudget } from './row-budget.js';
import type { Leftover, RunResult } from './batch.js';

interface UndoRecord {
  id: string;
  rule: string;
  part: string;
  rows: number;
}

/** One receipt line of the departure, to be undone. */
interface RuleUndo {
  /** The receipt line of the departure. */
  done: ReceiptLine;
  /** Undefined if this version of the service no longer offers the action. */
  step?: Step;
  records: UndoRecord[];
}

/** Restores what the departure changed, as far as the reactivation asks for it and nothing has changed since. */
export async function restore(
  db: Db,
  rules: RuleSet,
  reactivations: readonly UserEvent[],
  budget: RowBudget,
  now: Date,
): Promise<RunResult> {
  const result: RunResult = { lines: new Map(), leftovers: [] };
  for (const { data } of reactivations) {
    const wanted = data.departure!.restore;
    if (wanted === undefined) continue;
    const undos = await undosOf(db, rules, data, wanted);
    const { lines, leftovers } = await restoreOne(db, data.userId, undos, budget, now);
    result.lines.set(data.userId, lines);
    result.leftovers.push(...leftovers);
  }
  return result;
}

/**
 * Deletes the undo records of earlier decisions about these users, except those that a restoration still needs for its
 * remaining chunks.
 */
export async function deleteUndoRecords(
  db: Db,
  events: readonly UserEvent[],
  leftovers: readonly Leftover[] = [],
): Promise<void> {
  if (events.length === 0) return;
  const kept = leftovers.filter((leftover) => leftover.transition === 'reactivated');
  await sql`
    delete from undo u
    using unnest(${events.map((e) => e.data.userId)}::uuid[], ${events.map((e) => e.data.lifecycleVersion)}::bigint[]) as n (user_id, lifecycle_version)
    where u.user_id = n.user_id and u.lifecycle_version < n.lifecycle_version and (u.user_id, u.rule, u.part) not in (
      select * from unnest(${kept.map((l) => l.userId)}::uuid[], ${kept.map((l) => l.step.part.rule.id)}::text[], ${kept.map((l) => l.step.part.rows.part ?? '')}::text[]))`.execute(
    db,
  );
}

/** Restores the next undo record of a rule. A task calls this once per chunk. */
export async function restoreNext(
  db: Db,
  step: Step,
  userId: string,
  now: Date,
): Promise<{ restored: number; more: boolean }> {
  const { rows } = await sql<{ id: string }>`
    select id from undo where user_id = ${userId} and rule = ${step.part.rule.id} and part = ${step.part.rows.part ?? ''}
    order by id limit 2`.execute(db);
  const restored = rows[0] ? await restoreRecord(db, step, userId, rows[0].id, now) : 0;
  return { restored, more: rows.length > 1 };
}

/** A line after more rows were restored. Rows still missing when it is finished have changed since the departure. */
export function withRestored(line: ReceiptLine, restored: number, finishedAt: Date | null): ReceiptLine {
  const notRestored = line.notRestored! - restored;
  return {
    ...line,
    affected: line.affected + restored,
    notRestored,
    ...(finishedAt && notRestored > 0 && { warning: 'changed-since' }),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

async function undosOf(db: Db, rules: RuleSet, data: UserEvent['data'], wanted: Restore): Promise<RuleUndo[]> {
  const lines = (await inbox.departureLines(db, data)).filter((line) => wanted === 'all' || wanted.includes(line.rule));
  const { rows: records } = await sql<UndoRecord>`
    select id, rule, part, cardinality(row_ids) as rows from undo where user_id = ${data.userId} order by id`.execute(
    db,
  );
  return lines.flatMap((done) => {
    const step = offered(rules, done);
    const nothingDone = step?.action.effect.kind === 'none' && !step.action.later;
    const own = records.filter((record) => record.rule === done.rule && record.part === (done.part ?? ''));
    return nothingDone ? [] : [{ done, step, records: own }];
  });
}

function offered(rules: RuleSet, { rule, part, action, days, scope }: ReceiptLine): Step | undefined {
  try {
    return rules.find(rule, part, 'deactivated', { action, days, scope } as ResolvedAction);
  } catch (error) {
    if (error instanceof UnknownAction) return undefined;
    throw error;
  }
}

async function restoreOne(
  db: Db,
  userId: string,
  undos: readonly RuleUndo[],
  budget: RowBudget,
  now: Date,
): Promise<{ lines: ReceiptLine[]; leftovers: Leftover[] }> {
  const lines: ReceiptLine[] = [];
  const leftovers: Leftover[] = [];
  let left = budget.perPerson;
  for (const { done, step, records } of undos) {
    const line = openLine(done);
    const undo = step && !done.doneAt ? step.action.undo : 'never';
    if (undo === 'by-itself') lines.push(withRestored(line, done.affected, now));
    else if (undo === 'never' || records.length === 0)
      lines.push({ ...withRestored(line, 0, now), warning: 'cannot-be-restored' });
    else {
      const { restored, used } = await restoreWithinBudget(db, step!, userId, records, left, now);
      left -= used;
      const all = used === records.reduce((sum, record) => sum + record.rows, 0);
      if (!all)
        leftovers.push({
          userId,
          step: step!,
          transition: 'reactivated',
          position: lines.length,
          cursor: null,
          affected: restored,
        });
      lines.push(withRestored(line, restored, all ? now : null));
    }
  }
  return { lines, leftovers };
}

/** Restores as many undo records as fit into the remaining row budget. */
async function restoreWithinBudget(
  db: Db,
  step: Step,
  userId: string,
  records: readonly UndoRecord[],
  left: number,
  now: Date,
): Promise<{ restored: number; used: number }> {
  let [restored, used] = [0, 0];
  for (const record of records) {
    if (used + record.rows > left) break;
    restored += await restoreRecord(db, step, userId, record.id, now);
    used += record.rows;
  }
  return { restored, used };
}

function restoreRecord(
  db: Db,
  { statements, action, part }: Step,
  userId: string,
  recordId: string,
  now: Date,
): Promise<number> {
  if (action.effect.kind !== 'set') throw new TypeError(`${part.rule.id}: ${action.name} cannot be restored`);
  return statements.undoStatements(action.effect).restore(db, userId, recordId, now);
}

/** The line of a restoration that has restored nothing yet. */
function openLine({ rule, part, affected }: ReceiptLine): ReceiptLine {
  return {
    rule,
    ...(part && { part }),
    transition: 'reactivated',
    action: RESTORE,
    affected: 0,
    notRestored: affected,
    remaining: null,
    finishedAt: null,
  };
}
