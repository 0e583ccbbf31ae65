import type { ActionName, ReceiptLine, ResolvedAction } from '#libs/contracts';
import type { Effect } from './actions.js';
import { blameOn } from './blame.js';
import type { Db } from './rule.js';
import { observed } from './rule-applied.js';
import type { Step } from './rule-set.js';
import type { LeaverRow } from './leaver-table.js';
import { fitting, Sizes, type RowBudget } from './row-budget.js';
import { dueAt, scheduleLater } from './scheduling.js';
import { countTogether, type Counting } from './statements.js';
import { Successors } from './successors.js';
import type { NoteOf } from './undo-statements.js';

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
  sizes: Sizes;
  budget: RowBudget;
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
  const changing = all.filter((members) => members.length > 1 && !isCounted(members));
  const sizes = new Sizes(
    changing.map((members) => countingOf(members, successors)),
    budget.perPerson,
  );
  const run: Run = { successors, budget, sizes };
  for (const section of sections(all)) {
    const parts = section.map((group) => split(group, pending));
    // Whose rows of the same rule are still being worked on has to wait for the later step as well.
    for (const member of parts.flatMap(({ waiting }) => waiting)) defer(result, member, successors, 0, null);
    const ready = parts.map((part) => part.ready).filter((members) => members.length > 0);
    for (const { member, affected, cursor, finished } of await runSection(db, ready, run, now)) {
      if (finished) result.lines.get(member.leaver.userId)![member.position] = line(member, affected, successors, now);
      else {
        pending.add(key(member));
        defer(result, member, successors, affected, cursor);
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
}

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
  if (!isCounted(first))
    return first.length === 1 ? changeOne(db, first[0]!, run, now) : changeGroup(db, first, run, now);
  const counts = await countTogether(
    db,
    section.map((members) => countingOf(members, run.successors)),
  );
  const outcomes: Outcome[] = [];
  for (const [index, members] of section.entries()) {
    run.sizes.note(members[0]!.step.statements, counts[index]!);
    if (members[0]!.step.action.name === 'block') outcomes.push(...blocked(members, counts[index]!));
    else outcomes.push(...(await keepGroup(db, members, counts[index]!, now)));
  }
  return outcomes;
}

async function keepGroup(db: Db, members: Member[], counts: Map<string, number>, now: Date): Promise<Outcome[]> {
  await schedule(db, members, counts, now);
  return members.map((member) => ({
    member,
    affected: counts.get(member.leaver.userId) ?? 0,
    cursor: null,
    finished: true,
  }));
}

/** One person's first chunk, which mostly is all there is. */
async function changeOne(db: Db, member: Member, { successors, budget }: Run, now: Date): Promise<Outcome[]> {
  const { step, leaver } = member;
  const rows = budget.perPerson;
  const { count, lastId } = await observed(step, () =>
    step.statements.runChunk(db, changing(step), rowOf(leaver, step, successors), { rows }, now, noteOf(step)),
  );
  await schedule(db, [member], new Map([[leaver.userId, count]]), now);
  return [{ member, affected: count, cursor: lastId, finished: count < rows }];
}

/** All rows of everybody who has few. Whoever has many goes on alone. */
async function changeGroup(db: Db, members: Member[], run: Run, now: Date): Promise<Outcome[]> {
  const { step } = members[0]!;
  await run.sizes.ask(db);
  const sizeOf = ({ leaver }: Member) => run.sizes.of(step.statements, leaver.userId) ?? 0;
  const fit = new Set(fitting(members, sizeOf, run.budget));
  const rows = [...fit].map((member) => rowOf(member.leaver, member.step, run.successors));
  const effect = changing(step);
  const counts = await observed(step, () => step.statements.run(db, effect, rows, now, noteOf(step))).catch(
    (error: unknown) => blameOn({ step, effect, leavers: rows }, error),
  );
  await schedule(db, members, counts, now);
  return members.map((member) => {
    const affected = counts.get(member.leaver.userId) ?? 0;
    return { member, affected, cursor: null, finished: fit.has(member) };
  });
}

function countingOf(members: readonly Member[], successors: Successors): Counting {
  const { statements, action } = members[0]!.step;
  return { statements, effect: action.effect, leavers: members.map((m) => rowOf(m.leaver, m.step, successors)) };
}

function changing({ action }: Step): Exclude<Effect, { kind: 'none' }> {
  if (action.effect.kind === 'none') throw new TypeError(`${action.name} changes nothing`);
  return action.effect;
}

/** Of what is given back on request, the rows are noted. */
export const noteOf = ({ action, part }: Step): NoteOf | undefined =>
  action.undo === 'on-request' ? { rule: part.rule.id, part: part.rows.part ?? '' } : undefined;

/** A blocked transition should have been refused before it was decided: the event fails and can be retried when the rows are gone. */
function blocked(members: Member[], counts: Map<string, number>): Outcome[] {
  const inTheWay = members.find((member) => (counts.get(member.leaver.userId) ?? 0) > 0);
  if (inTheWay) throw new StepBlocked(inTheWay.step.part.rule.id);
  return members.map((member) => ({ member, affected: 0, cursor: null, finished: true }));
}

/** A rule says `block` and rows stand in the way. */
export class StepBlocked extends Error {
  constructor(readonly ruleId: string) {
    super(`rows stand in the way of ${ruleId}`);
  }
}

/** What is to happen days later, where there is something for it to happen to. */
function schedule(db: Db, members: readonly Member[], counts: ReadonlyMap<string, number>, now: Date): Promise<void> {
  const due = members.filter(({ step, leaver }) => step.action.later && (counts.get(leaver.userId) ?? 0) > 0);
  return scheduleLater(
    db,
    due.map(({ leaver, step }) => ({ ...leaver, step })),
    now,
  );
}

export function rowOf(leaver: Leaving, step: Step, successors: Successors): LeaverRow {
  return {
    ...leaver,
    successor: step.action.gives ? successors.of(leaver, step).userId : null,
    due: dueAt(leaver, step),
  };
}

function line(member: Member, affected: number, successors: Successors, now: Date): ReceiptLine {
  return { ...openLine(member.leaver, member.step, successors), affected, finishedAt: now.toISOString() };
}

function openLine(leaver: Leaving, step: Step, successors: Successors): ReceiptLine {
  const { to: _to, ...choice }: ResolvedAction = step.resolved;
  const successor = step.action.gives ? successors.of(leaver, step) : null;
  const due = dueAt(leaver, step);
  return {
    rule: step.part.rule.id,
    ...(step.part.rows.part && { part: step.part.rows.part }),
    transition: step.transition,
    ...choice,
    action: step.action.name as ActionName,
    affected: 0,
    ...(successor && { transferredTo: successor.userId }),
    ...(successor?.warning && { warning: successor.warning }),
    ...(due && { dueAt: due.toISOString() }),
    remaining: null,
    finishedAt: null,
  };
}

function defer(
  result: RunResult,
  member: Member,
  successors: Successors,
  affected: number,
  cursor: string | null,
): void {
  const { leaver, step, position } = member;
  result.lines.get(leaver.userId)![position] = { ...openLine(leaver, step, successors), affected };
  result.leftovers.push({ userId: leaver.userId, step, transition: step.transition, position, cursor, affected });
}
