import { RESTORE, type ReceiptLine, type Restore, type UserEvent } from '#libs/contracts';
import * as inbox from '../inbox/inbox.js';
import type { Db } from '../declare/where.js';
import type { Leftover } from './batch.js';
import type { RowBudget } from './row-budget.js';
import { offeredStep, type RuleSet, type Step } from './rule-set.js';
import { recordsOf, restoreRecord, type Restored, type UndoRecord } from './undo-records.js';

/** What one rule did in the departure, to be undone. */
interface RuleUndo {
  /** The receipt line of the departure. Its `affected` does not include `carriedOver`. */
  done: ReceiptLine;
  /** Undefined if this version of the service no longer offers the action. */
  step?: Step;
  records: UndoRecord[];
  /** Rows of an earlier departure that its restoration had not reached when this departure superseded it. */
  carriedOver: number;
}

export interface Restoration {
  /** By user. */
  lines: Map<string, ReceiptLine[]>;
  leftovers: Leftover[];
}

/**
 * Restores what the departure changed, as far as the reactivation asks for it and nothing has changed since. The immediate
 * half of a cancelled delayed effect is always restored.
 */
export async function restore(
  db: Db,
  rules: RuleSet,
  reactivations: readonly UserEvent[],
  budget: RowBudget,
  now: Date,
): Promise<Restoration> {
  const result: Restoration = { lines: new Map(), leftovers: [] };
  for (const { data } of reactivations) {
    const undos = (await undosOf(db, rules, data)).filter((undo) => isWanted(undo, data.departure!.restore));
    const { lines, leftovers } = await restoreOne(db, data.userId, undos, budget, now);
    result.lines.set(data.userId, lines);
    result.leftovers.push(...leftovers);
  }
  return result;
}

const isWanted = (undo: RuleUndo, wanted: Restore | undefined): boolean =>
  wanted === 'all' || wanted?.includes(undo.done.rule) === true || isHalfDone(undo);

/** Whether the immediate half of the action was applied and the delayed half is cancelled. */
const isHalfDone = ({ done, step }: RuleUndo): boolean =>
  isCalledOff(done) && step?.later !== undefined && step.action.effect.kind === 'set';

/** Whether the reactivation has cancelled the delayed effect. */
const isCalledOff = ({ dueAt, doneAt }: ReceiptLine): boolean => dueAt !== undefined && doneAt === undefined;

async function undosOf(db: Db, rules: RuleSet, data: UserEvent['data']): Promise<RuleUndo[]> {
  const lines = await inbox.departureLines(db, data);
  // An effect that has happened after its delay is final.
  const records = (await recordsOf(db, rules, data.userId)).filter((record) => !record.line?.doneAt);
  const undos = lines.flatMap(({ line, lifecycleVersion }): RuleUndo[] => {
    const step = offeredStep(rules, line);
    const own = records.filter((record) => record.lifecycleVersion === lifecycleVersion && isOf(record, line));
    const nothingDone = step?.action.effect.kind === 'none' && !step.action.later;
    return nothingDone ? [] : [{ done: line, step, records: own, carriedOver: 0 }];
  });
  const found = new Set(undos.flatMap((undo) => undo.records));
  for (const record of records) {
    if (found.has(record) || !record.line) continue;
    let undo = undos.find(({ done }) => isOf(record, done));
    if (!undo) {
      undo = { done: { ...record.line, affected: 0 }, step: record.step, records: [], carriedOver: 0 };
      undos.push(undo);
    }
    undo.records.unshift(record);
    undo.carriedOver += record.rows;
  }
  return undos;
}

const isOf = ({ rule, part }: UndoRecord, line: ReceiptLine): boolean =>
  line.rule === rule && (line.part ?? '') === part;

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
  for (const undo of undos) {
    const { done, step, records, carriedOver } = undo;
    const line = openLine(done, done.affected + carriedOver);
    const byItself = comesBackByItself(undo) ? done.affected : 0;
    if (records.length === 0) {
      lines.push({ ...withRestored(line, { given: byItself }, now), ...(!byItself && CANNOT_BE_RESTORED) });
      continue;
    }
    const { restored, used } = await restoreWithinBudget(db, userId, records, left, now);
    left -= used;
    const all = used === records.reduce((sum, record) => sum + record.rows, 0);
    const given = byItself + restored.given;
    if (!all)
      leftovers.push({
        userId,
        step: records.at(-1)!.step ?? step!,
        transition: 'reactivated',
        position: lines.length,
        cursor: null,
        affected: given,
      });
    lines.push(withRestored(line, { ...restored, given }, all ? now : null));
  }
  return { lines, leftovers };
}

const CANNOT_BE_RESTORED = { warning: 'cannot-be-restored' };

/** Nothing was changed yet, or the change ends with the reactivation. */
function comesBackByItself({ done, step }: RuleUndo): boolean {
  if (!step || done.doneAt) return false;
  if (isCalledOff(done) && (!step.later || step.action.effect.kind === 'none')) return true;
  return step.action.undo === 'by-itself';
}

/** Restores as many undo records as fit into the remaining row budget. */
async function restoreWithinBudget(
  db: Db,
  userId: string,
  records: readonly UndoRecord[],
  left: number,
  now: Date,
): Promise<{ restored: Restored; used: number }> {
  let [given, used, partly] = [0, 0, false];
  for (const record of records) {
    if (used + record.rows > left) break;
    const restored = await restoreRecord(db, userId, record, now);
    given += restored.given;
    partly ||= restored.partly === true;
    used += record.rows;
  }
  return { restored: { given, partly }, used };
}

/** A line after more rows were restored. Rows still missing when it is finished have changed since the departure. */
export function withRestored(line: ReceiptLine, { given, partly }: Restored, finishedAt: Date | null): ReceiptLine {
  const notRestored = line.notRestored! - given;
  return {
    ...line,
    affected: line.affected + given,
    notRestored,
    ...(partly && { warning: 'partly-restored' }),
    ...(finishedAt && notRestored > 0 && { warning: 'changed-since' }),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

/** The line of a restoration that has restored nothing yet. */
function openLine({ rule, part }: ReceiptLine, taken: number): ReceiptLine {
  return {
    rule,
    ...(part && { part }),
    transition: 'reactivated',
    action: RESTORE,
    affected: 0,
    notRestored: taken,
    remaining: null,
    finishedAt: null,
  };
}
