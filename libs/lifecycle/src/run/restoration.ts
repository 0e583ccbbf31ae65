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

/** One rule's part in the departure that is undone. */
interface RuleUndo {
  /** What the departure's receipt says. */
  done: ReceiptLine;
  /** Undefined for what this version of the service no longer offers. */
  step?: Step;
  notes: UndoRecord[];
}

/** Whoever comes back gets back what the departure took, as far as they want it and nobody has changed it since. */
export async function restore(
  db: Db,
  rules: RuleSet,
  back: readonly UserEvent[],
  budget: RowBudget,
  now: Date,
): Promise<RunResult> {
  const result: RunResult = { lines: new Map(), leftovers: [] };
  for (const { data } of back) {
    const wanted = data.departure!.restore;
    if (wanted === undefined) continue;
    const undoings = await undosOf(db, rules, data, wanted);
    const { lines, leftovers } = await restoreOne(db, data.userId, undoings, budget, now);
    result.lines.set(data.userId, lines);
    result.leftovers.push(...leftovers);
  }
  return result;
}

/**
 * Throws away what has been noted about these people before: nobody will want it any more. What a restoration goes on
 * with in chunks stays.
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

/** Uses up the next note of a rule. For tasks, whose chunks the notes are. */
export async function restoreNext(
  db: Db,
  step: Step,
  userId: string,
  now: Date,
): Promise<{ given: number; more: boolean }> {
  const { rows } = await sql<{ id: string }>`
    select id from undo where user_id = ${userId} and rule = ${step.part.rule.id} and part = ${step.part.rows.part ?? ''}
    order by id limit 2`.execute(db);
  const given = rows[0] ? await restoreRecord(db, step, userId, rows[0].id, now) : 0;
  return { given, more: rows.length > 1 };
}

/** A line after more rows have come back. What is missing when nothing more will come has been changed by somebody. */
export function withRestored(line: ReceiptLine, given: number, finishedAt: Date | null): ReceiptLine {
  const notRestored = line.notRestored! - given;
  return {
    ...line,
    affected: line.affected + given,
    notRestored,
    ...(finishedAt && notRestored > 0 && { warning: 'changed-since' }),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

async function undosOf(db: Db, rules: RuleSet, data: UserEvent['data'], wanted: Restore): Promise<RuleUndo[]> {
  const lines = (await inbox.departureLines(db, data)).filter((line) => wanted === 'all' || wanted.includes(line.rule));
  const { rows: notes } = await sql<UndoRecord>`
    select id, rule, part, cardinality(row_ids) as rows from undo where user_id = ${data.userId} order by id`.execute(
    db,
  );
  return lines.flatMap((done) => {
    const step = offered(rules, done);
    const nothingDone = step?.action.effect.kind === 'none' && !step.action.later;
    const own = notes.filter((note) => note.rule === done.rule && note.part === (done.part ?? ''));
    return nothingDone ? [] : [{ done, step, notes: own }];
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
  undoings: readonly RuleUndo[],
  budget: RowBudget,
  now: Date,
): Promise<{ lines: ReceiptLine[]; leftovers: Leftover[] }> {
  const lines: ReceiptLine[] = [];
  const leftovers: Leftover[] = [];
  let left = budget.perPerson;
  for (const { done, step, notes } of undoings) {
    const line = openLine(done);
    const undo = step && !done.doneAt ? step.action.undo : 'never';
    if (undo === 'by-itself') lines.push(withRestored(line, done.affected, now));
    else if (undo === 'never' || notes.length === 0)
      lines.push({ ...withRestored(line, 0, now), warning: 'cannot-be-restored' });
    else {
      const { given, used } = await restoreWithinBudget(db, step!, userId, notes, left, now);
      left -= used;
      const all = used === notes.reduce((sum, note) => sum + note.rows, 0);
      if (!all)
        leftovers.push({
          userId,
          step: step!,
          transition: 'reactivated',
          position: lines.length,
          cursor: null,
          affected: given,
        });
      lines.push(withRestored(line, given, all ? now : null));
    }
  }
  return { lines, leftovers };
}

/** As many notes as fit into what is left of the row budget. */
async function restoreWithinBudget(
  db: Db,
  step: Step,
  userId: string,
  notes: readonly UndoRecord[],
  left: number,
  now: Date,
): Promise<{ given: number; used: number }> {
  let [given, used] = [0, 0];
  for (const note of notes) {
    if (used + note.rows > left) break;
    given += await restoreRecord(db, step, userId, note.id, now);
    used += note.rows;
  }
  return { given, used };
}

function restoreRecord(
  db: Db,
  { statements, action, part }: Step,
  userId: string,
  noteId: string,
  now: Date,
): Promise<number> {
  if (action.effect.kind !== 'set') throw new TypeError(`${part.rule.id}: nothing of ${action.name} can be given back`);
  return statements.undoStatements(action.effect).restore(db, userId, noteId, now);
}

/** Nothing has come back yet. */
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
