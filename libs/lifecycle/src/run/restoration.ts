import { RESTORE, type ReceiptLine, type Restore, type UserEvent } from '#libs/contracts';
import * as inbox from '../inbox/inbox.js';
import type { Db } from '../declare/where.js';
import type { Leftover } from './batch.js';
import type { RowBudget } from './row-budget.js';
import { offeredStep, type RuleSet, type Step } from './rule-set.js';
import { recordInverses, takeInverses, type RemoteUndo } from './remote-effects.js';
import { recordsOf, restoreRecord, type Restored, type UndoRecord } from './undo-records.js';

/** What one rule did in the departure, to be undone. */
interface RuleUndo {
  /** The receipt line of the departure. Its `affected` does not include `carriedOver`. */
  done: ReceiptLine;
  lifecycleVersion: number;
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
    const wanted = data.departure!.restore;
    if (wanted === undefined && !rules.restoresUnasked) continue;
    const undos = (await undosOf(db, rules, data)).filter((undo) => isWanted(undo, wanted));
    const own = undos.filter(({ step }) => !step?.remote);
    const { lines, leftovers } = await restoreOne(db, data.userId, own, budget, now);
    const remote = rules.hasRemoteEffects ? await undoRemotely(db, data, undos, now) : [];
    result.lines.set(data.userId, [...lines, ...remote, ...withoutInverse(undos, now)]);
    result.leftovers.push(...leftovers);
  }
  return result;
}

const isWanted = (undo: RuleUndo, wanted: Restore | undefined): boolean =>
  isNamed(undo.done.rule, wanted) || isHalfDone(undo);

const isNamed = (rule: string, wanted: Restore | undefined): boolean =>
  wanted === 'all' || wanted?.includes(rule) === true;

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
    const lost = records.reduce((sum, record) => sum + record.lost, 0);
    const line = { ...openLine(done, done.affected + carriedOver + lost), ...(lost > 0 && CANNOT_BE_RESTORED) };
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
    ...(finishedAt && notRestored > 0 && !line.warning && { warning: 'changed-since' }),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

/** Records the inverses of remote effects, also those that an overtaken reactivation did not get confirmed. */
async function undoRemotely(
  db: Db,
  data: UserEvent['data'],
  undos: readonly RuleUndo[],
  now: Date,
): Promise<ReceiptLine[]> {
  const waiting = (await takeInverses(db, data.userId)).filter(({ rule }) => isNamed(rule, data.departure!.restore));
  const own = remoteUndos(undos).filter((undo) => !waiting.some((other) => isSame(undo, other)));
  const all = [...own, ...waiting].sort((a, b) => b.undoes - a.undoes);
  await recordInverses(db, data, all, now);
  return remoteLines(all);
}

const isSame = (one: RemoteUndo, other: RemoteUndo): boolean =>
  one.rule === other.rule && one.part === other.part && one.undoes === other.undoes;

/** The remote effects to undo, in the reverse order of the departure. */
const remoteUndos = (undos: readonly RuleUndo[]): RemoteUndo[] =>
  undos
    .filter(({ step }) => typeof step?.remote?.effect.inverse === 'function')
    .map(({ done, lifecycleVersion }) => {
      const { rule, part, affected } = done;
      return { rule, part: part!, undoes: lifecycleVersion, expected: affected };
    })
    .reverse();

/** A line for each rule and part, which the other service's confirmations update. */
function remoteLines(undos: readonly RemoteUndo[]): ReceiptLine[] {
  const lines = Map.groupBy(undos, ({ rule, part }) => `${rule} ${part}`);
  return [...lines.values()].map((same) =>
    openLine(
      same[0]!,
      same.reduce((sum, { expected }) => sum + expected, 0),
    ),
  );
}

/** The lines of remote effects that cannot be undone. */
const withoutInverse = (undos: readonly RuleUndo[], now: Date): ReceiptLine[] =>
  undos
    .filter(({ step, done }) => step?.remote && typeof step.remote.effect.inverse !== 'function' && done.affected > 0)
    .map(({ done }) => ({ ...withRestored(openLine(done, done.affected), { given: 0 }, now), ...CANNOT_BE_RESTORED }));

/** The line of a restoration that has restored nothing yet. */
function openLine({ rule, part }: Pick<ReceiptLine, 'rule' | 'part'>, taken: number): ReceiptLine {
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
