import { PermanentError } from '#libs/jobs';
import type { ReceiptLine } from '#libs/contracts';
import type { Effect } from '../declare/actions.js';
import { bisectOnFailure } from './bisect.js';
import type { Db } from '../declare/where.js';
import { observeStatement } from './observe-statement.js';
import type { Step } from './rule-set.js';
import type { LeaverRow } from '../declare/leaver.js';
import { openLine } from './receipt-line.js';
import { withinBudget, RowCountCache, type RowBudget } from './row-budget.js';
import { dueAt, scheduleActions } from './scheduling.js';
import { countTogether } from '../sql/counting.js';
import type { Counting } from '../sql/statements.js';
import { Successors } from './successors.js';
import type { UndoRecordKey } from '../sql/undo-statements.js';

/** One person of a batch with what has to be done for them. */
export interface Leaving extends LeaverRow {
  lifecycleVersion: number;
  steps: readonly Step[];
}

/** What a step left over: goes on in chunks. */
export interface Leftover {
  userId: string;
  step: Step;
  /** The step's own, or `reactivated` for what undoes it. */
  transition: ReceiptLine['transition'];
  /** Position within the person's lines. */
  position: number;
  cursor: string | null;
  affected: number;
  /** Why it could not be done with the others: goes on later, alone. */
  error?: string;
}

export interface RunResult {
  /** By user, in the order of the steps. */
  lines: Map<string, ReceiptLine[]>;
  leftovers: Leftover[];
}

interface Member {
  leaver: Leaving;
  position: number;
  step: Step;
}

/** What all statements of a run have to know. */
interface Run {
  successors: Successors;
  rowCounts: RowCountCache;
  budget: RowBudget;
  /** With nobody else, whoever makes a statement fail need not be told from others. */
  alone: boolean;
}

/**
 * Applies the steps of many people at once: people who share a step (same rule, transition and action) share a
 * statement. Runs inside the caller's transaction, under the locks on the people's directory rows.
 */
export async function runSteps(db: Db, leaving: readonly Leaving[], budget: RowBudget, now: Date): Promise<RunResult> {
  const successors = await Successors.load(db, leaving);
  const result: RunResult = {
    lines: new Map(leaving.map((l) => [l.userId, new Array<ReceiptLine>(l.steps.length)])),
    leftovers: [],
  };
  const pending = new Set<string>();
  const all = groups(leaving);
  const changing = all.filter((members) => !isCounted(members));
  const sizes = new RowCountCache(
    changing.map((members) => countingOf(members, successors)),
    budget.perPerson,
  );
  const run: Run = { successors, budget, rowCounts: sizes, alone: leaving.length === 1 };
  for (const section of sections(all)) {
    const parts = section.map((group) => split(group, pending));
    // Whose rows of the same rule are still being worked on has to wait for the later step as well.
    for (const member of parts.flatMap(({ waiting }) => waiting)) defer(result, successors, unfinished(member));
    const ready = parts.map((part) => part.ready).filter((members) => members.length > 0);
    for (const outcome of await runSection(db, ready, run, now)) {
      const { member, affected } = outcome;
      if (outcome.finished)
        result.lines.get(member.leaver.userId)![member.position] = line(member, affected, successors, now);
      else {
        pending.add(key(member));
        defer(result, successors, outcome);
      }
    }
  }
  return result;
}

const key = ({ leaver, step }: Member) => `${leaver.userId} ${step.part.rule.id} ${step.part.rows.part ?? ''}`;

/**
 * Members by common step, in the order in which each person's steps come; but of one transition, what stays is counted
 * before anything goes, as in the preview: rows may go along with those of another rule.
 */
function groups(leaving: readonly Leaving[]): Member[][] {
  const byStep = new Map<string, Member[]>();
  for (const leaver of leaving) {
    leaver.steps.forEach((step, position) => {
      const { action, days, scope } = step.resolved;
      const id = JSON.stringify([step.transition, step.part.rule.id, step.part.rows.part, action, days, scope]);
      const members = byStep.get(id);
      if (members) members.push({ leaver, position, step });
      else byStep.set(id, [{ leaver, position, step }]);
    });
  }
  const order = ([first]: Member[]) =>
    (first!.step.transition === 'deactivated' ? 0 : 2) + (first!.step.action.effect.kind === 'none' ? 0 : 1);
  return [...byStep.values()].sort((a, b) => order(a) - order(b));
}

function split(group: Member[], pending: ReadonlySet<string>): { ready: Member[]; waiting: Member[] } {
  if (pending.size === 0) return { ready: group, waiting: [] };
  return { ready: group.filter((m) => !pending.has(key(m))), waiting: group.filter((m) => pending.has(key(m))) };
}

interface Outcome {
  member: Member;
  affected: number;
  cursor: string | null;
  finished: boolean;
  error?: string;
}

const done = (member: Member, affected: number): Outcome => ({ member, affected, cursor: null, finished: true });

/** Nothing of it has been done. */
const unfinished = (member: Member, error?: string): Outcome => ({
  member,
  affected: 0,
  cursor: null,
  finished: false,
  ...(error && { error }),
});

/** Groups that are only counted come together; every other one alone. */
function sections(all: readonly Member[][]): Member[][][] {
  const found: Member[][][] = [];
  for (const group of all) {
    const last = found.at(-1);
    if (last && isCounted(last[0]!) && isCounted(group)) last.push(group);
    else found.push([group]);
  }
  return found;
}

const isCounted = ([first]: Member[]): boolean => first!.step.action.effect.kind === 'none';

async function runSection(db: Db, section: Member[][], run: Run, now: Date): Promise<Outcome[]> {
  const [first] = section;
  if (!first) return [];
  if (!isCounted(first)) {
    await count(db, [], run);
    return run.alone ? changeOne(db, first[0]!, run, now) : changeGroup(db, first, run, now);
  }
  const countings = section.map((members) => countingOf(members, run.successors));
  const counts = await count(db, countings, run);
  const outcomes: Outcome[] = [];
  for (const [index, members] of section.entries()) {
    if (members[0]!.step.action.name === 'block') outcomes.push(...blocked(members, counts[index]!));
    else outcomes.push(...(await keepGroup(db, members, counts[index]!, now)));
  }
  return outcomes;
}

/** Counts, and at the first opportunity everything that is going to be changed with it. */
async function count(
  db: Db,
  countings: readonly Counting[],
  { rowCounts: sizes }: Run,
): Promise<Map<string, number>[]> {
  const all = [...countings, ...sizes.takeUncounted()];
  const counts = await countTogether(db, all);
  for (const [index, counting] of all.entries()) sizes.set(counting, counts[index]!);
  return counts.slice(0, countings.length);
}

async function keepGroup(db: Db, members: Member[], counts: Map<string, number>, now: Date): Promise<Outcome[]> {
  await schedule(db, members, counts, now);
  return members.map((member) => done(member, counts.get(member.leaver.userId) ?? 0));
}

/** One person's first chunk, which mostly is all there is. */
async function changeOne(
  db: Db,
  member: Member,
  { successors, budget, rowCounts: sizes }: Run,
  now: Date,
): Promise<Outcome[]> {
  const { step, leaver } = member;
  const effect = changing(step);
  if (sizes.isEmpty(step.statements, effect, leaver.userId)) return [done(member, 0)];
  const rows = budget.perPerson;
  const { count, firstId } = await observeStatement(step, () =>
    step.statements.runChunk(db, effect, leaverRowOf(leaver, step, successors), { rows }, now, undoRecordKeyOf(step)),
  );
  if (count > 0) sizes.invalidate(step.statements, effect);
  await schedule(db, [member], new Map([[leaver.userId, count]]), now);
  return [{ member, affected: count, cursor: firstId, finished: count < rows }];
}

/**
 * All rows of everybody who has few. Whoever has many goes on alone, and so does whoever makes it fail: the others, and
 * the other rules, are done with it.
 */
async function changeGroup(db: Db, members: Member[], run: Run, now: Date): Promise<Outcome[]> {
  const { rowCounts: sizes, successors, budget } = run;
  const { step } = members[0]!;
  const effect = changing(step);
  const sizeOf = ({ leaver }: Member) => sizes.get(step.statements, effect, leaver.userId) ?? 0;
  const fit = new Set(withinBudget(members, sizeOf, budget));
  const rows = [...fit]
    .filter(({ leaver }) => !sizes.isEmpty(step.statements, effect, leaver.userId))
    .map((member) => leaverRowOf(member.leaver, member.step, successors));
  const { counts, failed } = await bisectOnFailure(db, rows, (some) =>
    observeStatement(step, () => step.statements.run(db, effect, some, now, undoRecordKeyOf(step))),
  );
  if (counts.size > 0) sizes.invalidate(step.statements, effect);
  await schedule(db, members, counts, now);
  const errors = new Map([...failed].map(([{ userId }, error]) => [userId, error]));
  return members.map((member) => {
    const { userId } = member.leaver;
    if (!fit.has(member) || errors.has(userId)) return unfinished(member, errors.get(userId));
    return done(member, counts.get(userId) ?? 0);
  });
}

function countingOf(members: readonly Member[], successors: Successors): Counting {
  const { statements, action } = members[0]!.step;
  return { statements, effect: action.effect, leavers: members.map((m) => leaverRowOf(m.leaver, m.step, successors)) };
}

function changing({ action }: Step): Exclude<Effect, { kind: 'none' }> {
  if (action.effect.kind === 'none') throw new TypeError(`${action.name} changes nothing`);
  return action.effect;
}

/** Of what is given back on request, the rows are noted. */
export const undoRecordKeyOf = ({ action, part }: Step): UndoRecordKey | undefined =>
  action.undo === 'on-request' ? { rule: part.rule.id, part: part.rows.part ?? '' } : undefined;

/** A blocked transition should have been refused before it was decided: the event fails and can be retried when the rows are gone. */
function blocked(members: Member[], counts: Map<string, number>): Outcome[] {
  const inTheWay = members.find((member) => (counts.get(member.leaver.userId) ?? 0) > 0);
  if (inTheWay) throw new StepBlocked(inTheWay.step.part.rule.id);
  return members.map((member) => done(member, 0));
}

/** A rule says `block` and rows stand in the way. */
export class StepBlocked extends PermanentError {
  readonly code: string;

  constructor(ruleId: string) {
    super(`rows stand in the way of ${ruleId}`);
    this.code = `blocked:${ruleId}`;
  }
}

/** What is to happen days later, where there is something for it to happen to. */
function schedule(db: Db, members: readonly Member[], counts: ReadonlyMap<string, number>, now: Date): Promise<void> {
  const due = members.filter(({ step, leaver }) => step.action.later && (counts.get(leaver.userId) ?? 0) > 0);
  return scheduleActions(
    db,
    due.map(({ leaver, step }) => ({ ...leaver, step })),
    now,
  );
}

export function leaverRowOf(leaver: Leaving, step: Step, successors: Successors): LeaverRow {
  return {
    ...leaver,
    successor: step.action.needsSuccessor ? successors.of(leaver, step).userId : null,
    due: dueAt(leaver, step),
  };
}

function line(member: Member, affected: number, successors: Successors, now: Date): ReceiptLine {
  return { ...openLine(member.leaver, member.step, successors), affected, finishedAt: now.toISOString() };
}

function defer(result: RunResult, successors: Successors, { member, affected, cursor, error }: Outcome): void {
  const { leaver, step, position } = member;
  const { userId } = leaver;
  result.lines.get(userId)![position] = { ...openLine(leaver, step, successors), affected };
  result.leftovers.push({ userId, step, transition: step.transition, position, cursor, affected, error });
}
