import { sql } from 'kysely';
import type { ActionName, ReceiptLine, ResolvedAction } from '#libs/contracts';
import type { Db } from './rule.js';
import { observed } from './rule-applied.js';
import type { Step } from './rule-set.js';
import { countTogether, type LeaverRow } from './statements.js';
import { Successors } from './successors.js';
import type { NoteOf } from './undo-statements.js';

/** How many rows one statement may change. What exceeds it goes on as a task, in chunks. */
export interface RowBudget {
  perPerson: number;
  total: number;
}

export const DEFAULT_BUDGET: RowBudget = { perPerson: 2_000, total: 50_000 };

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
  for (const section of sections(groups(leaving))) {
    const parts = section.map((group) => split(group, pending));
    // Whose rows of the same rule are still being worked on has to wait for the later step as well.
    for (const member of parts.flatMap(({ waiting }) => waiting)) defer(result, member, successors, 0, null);
    const ready = parts.map((part) => part.ready).filter((members) => members.length > 0);
    for (const { member, affected, cursor, finished } of await runSection(db, ready, successors, budget, now)) {
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

async function runSection(
  db: Db,
  section: Member[][],
  successors: Successors,
  budget: RowBudget,
  now: Date,
): Promise<Outcome[]> {
  const [first] = section;
  if (!first) return [];
  if (!isCounted(first)) return changeGroup(db, first, successors, budget, now);
  const countings = section.map((members) => ({
    statements: members[0]!.step.statements,
    effect: members[0]!.step.action.effect,
    leavers: members.map((member) => rowOf(member.leaver, member.step, successors)),
  }));
  const counts = await countTogether(db, countings);
  const outcomes: Outcome[] = [];
  for (const [index, members] of section.entries()) {
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

async function changeGroup(
  db: Db,
  members: Member[],
  successors: Successors,
  budget: RowBudget,
  now: Date,
): Promise<Outcome[]> {
  const { statements, action } = members[0]!.step;
  if (action.effect.kind === 'none') throw new TypeError(`${action.name} changes nothing`);
  const rows = members.map((member) => rowOf(member.leaver, member.step, successors));
  const { effect, name } = action;
  const touched = await observed(members[0]!.step.part.rule.id, name, () =>
    statements.run(db, effect, rows, budget, now, noteOf(members[0]!.step)),
  );
  const byUser = new Map(touched.map((t) => [t.userId, t]));
  const full = touched.reduce((sum, t) => sum + t.count, 0) >= budget.total;
  await schedule(db, members, new Map(touched.map((t) => [t.userId, t.count])), now);
  return members.map((member) => {
    const { count, lastId } = byUser.get(member.leaver.userId) ?? { count: 0, lastId: null };
    return { member, affected: count, cursor: full ? null : lastId, finished: !full && count < budget.perPerson };
  });
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

/** Delayed parts: one row per person and rule. A clock that runs already goes on. */
async function schedule(
  db: Db,
  members: readonly Member[],
  counts: ReadonlyMap<string, number>,
  now: Date,
): Promise<void> {
  const due = members.filter(({ step, leaver }) => step.action.later && (counts.get(leaver.userId) ?? 0) > 0);
  if (due.length > 0)
    await scheduleLater(
      db,
      due.map(({ leaver, step }) => ({ ...leaver, step })),
      now,
    );
}

/** Notes the delayed part of a step. Also for tasks, whose rows come in chunks. */
export async function scheduleLater(
  db: Db,
  entries: readonly { userId: string; accountId: string; lifecycleVersion: number; leftAt: Date; step: Step }[],
  now: Date,
): Promise<void> {
  const rows = entries.map((entry) => ({
    user_id: entry.userId,
    account_id: entry.accountId,
    lifecycle_version: entry.lifecycleVersion,
    rule: entry.step.part.rule.id,
    part: entry.step.part.rows.part ?? '',
    transition: entry.step.transition,
    action: entry.step.resolved,
    due_at: dueAt(entry, entry.step)!.toISOString(),
  }));
  await sql`
    insert into scheduled_action (user_id, account_id, lifecycle_version, rule, part, transition, action, due_at, status, created_at)
    select n.*, 'pending', ${now} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as n (user_id uuid, account_id uuid, lifecycle_version bigint, rule text, part text, transition text, action jsonb, due_at timestamptz)
    on conflict do nothing`.execute(db);
}

export function dueAt(leaver: { leftAt: Date }, step: Step): Date | null {
  return step.action.later ? new Date(leaver.leftAt.getTime() + (step.action.days ?? 0) * 86_400_000) : null;
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
