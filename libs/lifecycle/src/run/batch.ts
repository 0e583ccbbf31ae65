import type { Receipt, ReceiptLine } from '#libs/contracts';
import type { Effect } from '../declare/actions.js';
import { bisectOnFailure } from './bisect.js';
import { groupByStep, isCounted, sections, type Leaving, type Member } from './grouping.js';
import type { Db } from '../declare/where.js';
import { firstRetryAt, StepBlocked, stepFailure, type FailureCause } from '../declare/failure.js';
import { observeStatement } from './observe-statement.js';
import { originOf, type Step } from './rule-set.js';
import type { LeaverRow } from '../declare/leaver.js';
import { openLine, sharedIn, withReceived } from './receipt-line.js';
import { withinBudget, RowCountCache, type RowBudget } from './row-budget.js';
import { DelayedSteps } from './delayed-steps.js';
import { dueAt } from './scheduling.js';
import { countTogether, type Counting } from '../sql/counting.js';
import { sharingOf } from '../sql/turns.js';
import { Successors } from './successors.js';

/** A step that is not finished and continues as a task. */
export interface Leftover {
  userId: string;
  step: Step;
  /** The step's transition, or `reactivated` for a restoration. */
  transition: ReceiptLine['transition'];
  /** Index among the leaver's receipt lines. */
  position: number;
  cursor: string | null;
  affected: number;
  /** If the step failed for this leaver; the task retries it alone. */
  error?: FailureCause;
}

export interface RunResult {
  /** By user, in the order of the steps. Lines of remote effects are unfinished. */
  lines: Map<string, ReceiptLine[]>;
  leftovers: Leftover[];
  /** Receipts of earlier departures with a changed due time. */
  receipts: Receipt[];
}

/** What all statements of a run share. */
interface Run {
  successors: Successors;
  rowCounts: RowCountCache;
  budget: RowBudget;
  /** Whether the batch has a single leaver. A failing statement then need not be bisected. */
  alone: boolean;
  delayed: DelayedSteps;
  /** The lines of the steps that have run, by user. */
  lines: ReadonlyMap<string, readonly ReceiptLine[]>;
}

export interface RunOptions {
  budget: RowBudget;
  /**
   * Whether a failing step of a single leaver becomes a task and the other steps are applied, as always with many leavers.
   * That takes a savepoint for each step, so a single leaver is tried without first.
   */
  isolated?: boolean;
}

/**
 * Applies the steps of many leavers: leavers with a common step (same rule, transition and action) share a statement. Runs
 * in the caller's transaction, which has locked the leavers' directory rows.
 */
export async function runSteps(
  db: Db,
  leaving: readonly Leaving[],
  { budget, isolated = false }: RunOptions,
  now: Date,
): Promise<RunResult> {
  const successors = await Successors.load(db, leaving);
  const result: Omit<RunResult, 'receipts'> = {
    lines: new Map(leaving.map((l) => [l.userId, new Array<ReceiptLine>(l.steps.length)])),
    leftovers: [],
  };
  const pending = new Set<string>();
  const all = groupByStep(leaving);
  const changing = all.filter((members) => !isCounted(members));
  const rowCounts = new RowCountCache(
    changing.map((members) => countingOf(members, successors)),
    budget.perPerson,
  );
  const delayed = new DelayedSteps();
  const alone = leaving.length === 1 && !isolated;
  const run: Run = { successors, budget, rowCounts, alone, delayed, lines: result.lines };
  for (const section of sections(all)) {
    const parts = section.map((group) => split(group, pending));
    // A later step on the same rows has to wait until the earlier one is finished.
    for (const member of parts.flatMap(({ waiting }) => waiting)) defer(result, successors, unfinished(member), now);
    const ready = parts.map((part) => part.ready).filter((members) => members.length > 0);
    for (const outcome of await runSection(db, ready, run, now)) {
      const { member } = outcome;
      if (outcome.finished) result.lines.get(member.leaver.userId)![member.position] = line(outcome, successors, now);
      else {
        pending.add(key(member));
        defer(result, successors, outcome, now);
      }
    }
  }
  for (const leaver of leaving) {
    leaver.steps.forEach((step, position) => {
      if (step.remote) result.lines.get(leaver.userId)![position] = openLine(leaver, step, successors);
    });
  }
  delayed.addDueTimes(leaving, result.lines);
  return { ...result, receipts: delayed.receipts };
}

const key = ({ leaver, step }: Pick<Member, 'leaver' | 'step'>) =>
  `${leaver.userId} ${step.part.rule.id} ${step.part.rows.part ?? ''}`;

function split(group: Member[], pending: ReadonlySet<string>): { ready: Member[]; waiting: Member[] } {
  if (pending.size === 0) return { ready: group, waiting: [] };
  return { ready: group.filter((m) => !pending.has(key(m))), waiting: group.filter((m) => pending.has(key(m))) };
}

interface Outcome {
  member: Member;
  affected: number;
  cursor: string | null;
  finished: boolean;
  /** The rows by receiver, if several users get them. */
  received?: ReadonlyMap<string, number>;
  error?: FailureCause;
}

const done = (member: Member, affected: number): Outcome => ({ member, affected, cursor: null, finished: true });

/** The outcome of a step that has changed nothing yet. */
const unfinished = (member: Member, error?: FailureCause): Outcome => ({
  member,
  affected: 0,
  cursor: null,
  finished: false,
  ...(error && { error }),
});

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
    else outcomes.push(...(await keepGroup(db, members, counts[index]!, run, now)));
  }
  return outcomes;
}

/** Runs the counts. The first call also counts the rows of all steps that change rows, in the same statement. */
async function count(db: Db, countings: readonly Counting[], { rowCounts }: Run): Promise<Map<string, number>[]> {
  const all = [...countings, ...rowCounts.takeUncounted()];
  const counts = await countTogether(db, all);
  for (const [index, counting] of all.entries()) rowCounts.set(counting, counts[index]!);
  return counts.slice(0, countings.length);
}

async function keepGroup(
  db: Db,
  members: Member[],
  counts: Map<string, number>,
  run: Run,
  now: Date,
): Promise<Outcome[]> {
  await run.delayed.schedule(db, members, counts, now);
  return members.map((member) => done(member, counts.get(member.leaver.userId) ?? 0));
}

/** Changes one leaver's first chunk, which usually is everything. */
async function changeOne(db: Db, member: Member, run: Run, now: Date): Promise<Outcome[]> {
  const { successors, budget, rowCounts: sizes } = run;
  const { step, leaver } = member;
  const effect = changing(step);
  if (sizes.isEmpty(step.statements, effect, leaver.userId)) {
    await run.delayed.schedule(db, [member], NO_ROWS, now);
    return [done(member, 0)];
  }
  const rows = budget.perPerson;
  const leaverRow = leaverRowOf(leaver, step, successors);
  const team = successors.teamOf(leaver, step);
  const before = sharedIn(run.lines.get(leaver.userId)!);
  const sharing =
    team && (await sharingOf(db, step.statements, effect, { leaver: leaverRow, team, rows, before }, now));
  const { count, firstId, received } = await observeStatement(step, () =>
    step.statements.runChunk(db, effect, leaverRow, { rows, sharing }, now, originOf(step)),
  );
  if (count > 0) sizes.invalidate(step.statements, effect);
  const finished = count < rows;
  // With rows left over, the task schedules the delayed part when it has finished.
  if (finished) await run.delayed.schedule(db, [member], new Map([[leaver.userId, count]]), now);
  return [{ member, affected: count, cursor: firstId, finished, received }];
}

const NO_ROWS: ReadonlyMap<string, number> = new Map();

/**
 * Changes all rows of the leavers within the row budget. Leavers who exceed it, or whose rows make the statement fail,
 * continue as tasks and do not hold up the others.
 */
async function changeGroup(db: Db, members: Member[], run: Run, now: Date): Promise<Outcome[]> {
  const { rowCounts, successors, budget } = run;
  const { step } = members[0]!;
  const effect = changing(step);
  const sizeOf = ({ leaver }: Member) => rowCounts.get(step.statements, effect, leaver.userId) ?? 0;
  const fit = new Set(withinBudget(members, sizeOf, budget));
  const sharing = members.filter((member) => successors.teamOf(member.leaver, member.step));
  if (sharing.length > 0) {
    const shared = await changeEach(db, sharing, fit, run, now);
    const others = members.filter((member) => !sharing.includes(member));
    return others.length > 0 ? [...shared, ...(await changeGroup(db, others, run, now))] : shared;
  }
  const rows = [...fit]
    .filter(({ leaver }) => !rowCounts.isEmpty(step.statements, effect, leaver.userId))
    .map((member) => leaverRowOf(member.leaver, member.step, successors));
  const { counts, failed } = await bisectOnFailure(db, rows, (some) =>
    observeStatement(step, () => step.statements.run(db, effect, some, now, originOf(step))),
  );
  if (counts.size > 0) rowCounts.invalidate(step.statements, effect);
  const errors = new Map([...failed].map(([{ userId }, error]) => [userId, error]));
  const isFinished = (member: Member) => fit.has(member) && !errors.has(member.leaver.userId);
  await run.delayed.schedule(db, members.filter(isFinished), counts, now);
  return members.map((member) => {
    const { userId } = member.leaver;
    return isFinished(member) ? done(member, counts.get(userId) ?? 0) : unfinished(member, errors.get(userId));
  });
}

/** Changes the rows that teams get, for each leaver in a statement of its own. */
async function changeEach(
  db: Db,
  members: readonly Member[],
  fit: ReadonlySet<Member>,
  run: Run,
  now: Date,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const member of members) {
    if (!fit.has(member)) {
      outcomes.push(unfinished(member));
      continue;
    }
    const { failed } = await bisectOnFailure(db, [member], async () => {
      outcomes.push(...(await changeOne(db, member, run, now)));
      return NO_ROWS;
    });
    outcomes.push(...[...failed.values()].map((error) => unfinished(member, error)));
  }
  return outcomes;
}

function countingOf(members: readonly Member[], successors: Successors): Counting {
  const { statements, action } = members[0]!.step;
  return { statements, effect: action.effect, leavers: members.map((m) => leaverRowOf(m.leaver, m.step, successors)) };
}

function changing({ action }: Step): Exclude<Effect, { kind: 'none' }> {
  if (action.effect.kind === 'none') throw new TypeError(`${action.name} changes nothing`);
  return action.effect;
}

/** Fails the event if a `block` rule has rows. Identity should have refused the departure; it can be retried when the rows are gone. */
function blocked(members: Member[], counts: Map<string, number>): Outcome[] {
  const blocking = members.find((member) => (counts.get(member.leaver.userId) ?? 0) > 0);
  if (blocking) throw new StepBlocked(blocking.step.part.rule.id);
  return members.map((member) => done(member, 0));
}

export function leaverRowOf(leaver: Leaving, step: Step, successors: Successors): LeaverRow {
  return {
    ...leaver,
    successor: step.action.needsSuccessor && !step.resolved.team ? successors.of(leaver, step).userId : null,
    due: dueAt(leaver, step),
  };
}

function line({ member, affected, received }: Outcome, successors: Successors, now: Date): ReceiptLine {
  const open = openLine(member.leaver, member.step, successors);
  return { ...withReceived(open, received), affected, finishedAt: now.toISOString() };
}

function defer(
  result: Omit<RunResult, 'receipts'>,
  successors: Successors,
  { member, affected, cursor, error, received }: Outcome,
  now: Date,
): void {
  const { leaver, step, position } = member;
  const { userId } = leaver;
  result.lines.get(userId)![position] = {
    ...withReceived(openLine(leaver, step, successors), received),
    affected,
    ...(error && { failure: stepFailure(error, 1, firstRetryAt(now)) }),
  };
  result.leftovers.push({ userId, step, transition: step.transition, position, cursor, affected, error });
}
