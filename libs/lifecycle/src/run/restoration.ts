import { RESTORE, type ReceiptLine, type Restore, type UserEvent } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import type { Leftover } from './batch.js';
import type { RowBudget } from './row-budget.js';
import type { RuleSet } from './rule-set.js';
import { recordInverses, takeInverses, type RemoteUndo } from './remote-effects.js';
import {
  isCalledOff,
  isNamed,
  isWanted,
  restoreRecord,
  undosOf,
  type Restored,
  type RuleUndo,
  type UndoRecord,
} from './undo-records.js';

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
    let left = budget.perPerson;
    const { lines, leftovers } = await restoreOwn(data.userId, own, now, async ({ records }) => {
      const { restored, used } = await restoreWithinBudget(db, data.userId, records, left, now);
      left -= used;
      return { ...restored, used };
    });
    const remote = rules.hasRemoteEffects ? await undoRemotely(db, data, undos, now) : [];
    result.lines.set(data.userId, [...lines, ...remote, ...withoutInverse(undos, now)]);
    result.leftovers.push(...leftovers);
  }
  return result;
}

/**
 * The lines of a service's own rows.
 * @param restoreRecords restores the rows of these records, or counts them; `used` is the number of rows it has looked at
 */
export async function restoreOwn(
  userId: string,
  undos: readonly RuleUndo[],
  now: Date,
  restoreRecords: (undo: RuleUndo) => Promise<Restored & { used: number }>,
): Promise<{ lines: ReceiptLine[]; leftovers: Leftover[] }> {
  const lines: ReceiptLine[] = [];
  const leftovers: Leftover[] = [];
  for (const undo of undos) {
    const { done, step, records, carriedOver } = undo;
    const lost = records.reduce((sum, record) => sum + record.lost, 0);
    const line = { ...openLine(done, done.affected + carriedOver + lost), ...(lost > 0 && CANNOT_BE_RESTORED) };
    const byItself = comesBackByItself(undo) ? done.affected : 0;
    if (records.length === 0) {
      lines.push({ ...withRestored(line, { given: byItself }, now), ...(!byItself && CANNOT_BE_RESTORED) });
      continue;
    }
    const { used, ...restored } = await restoreRecords(undo);
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
  const all = inversesOf(undos, await takeInverses(db, data.userId), data.departure!.restore);
  await recordInverses(db, data, all, now);
  return remoteLines(all);
}

/**
 * The inverses that this reactivation sends, newest departure first.
 * @param waiting those that an earlier reactivation did not get confirmed
 */
export function inversesOf(
  undos: readonly RuleUndo[],
  waiting: readonly RemoteUndo[],
  restore: Restore | undefined,
): RemoteUndo[] {
  const again = waiting.filter(({ rule }) => isNamed(rule, restore));
  const own = remoteUndos(undos).filter((undo) => !again.some((other) => isSame(undo, other)));
  return [...own, ...again].sort((a, b) => b.undoes - a.undoes);
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
export function remoteLines(undos: readonly RemoteUndo[]): ReceiptLine[] {
  const lines = Map.groupBy(undos, ({ rule, part }) => `${rule} ${part}`);
  return [...lines.values()].map((same) =>
    openLine(
      same[0]!,
      same.reduce((sum, { expected }) => sum + expected, 0),
    ),
  );
}

/** The lines of remote effects that cannot be undone. */
export const withoutInverse = (undos: readonly RuleUndo[], now: Date): ReceiptLine[] =>
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
