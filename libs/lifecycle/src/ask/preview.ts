import type { PreviewLine, PreviewRequest } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import type { Effect } from '../declare/actions.js';
import { groupByStep } from '../run/grouping.js';
import { survives, takes, type RuleSet, type Step } from '../run/rule-set.js';
import { remainingSteps } from '../receive/decision-application.js';
import { appliedRules } from '../inbox/applied-rules.js';
import type { LeaverRow } from '../declare/leaver.js';
import { countTogether } from '../sql/counting.js';
import type { Statements } from '../sql/statements.js';

type Taken = { statements: Statements; effect: Effect };

/** The most ids that a line lists. */
const LISTED = 100;

/**
 * Counts what a departure would do, with the conditions that the departure uses. If nothing is written in between, the
 * receipt has the same counts.
 */
export async function preview(db: Db, rules: RuleSet, request: PreviewRequest, now: Date): Promise<PreviewLine[]> {
  const { userId, accountId, wasManager } = request;
  const leaver: LeaverRow = { userId, accountId, wasManager, leftAt: now };
  const { steps, reached } = await previewedSteps(db, rules, request, leaver);
  const counts = await countsOf(db, reached, [leaver]);
  const lines: PreviewLine[] = [];
  for (const step of steps) lines.push(await lineOf(db, step, counts.get(step)?.get(userId) ?? 0, leaver));
  return lines;
}

/**
 * The steps that a preview shows, and those of them that can find rows, each with the earlier steps whose rows it does not
 * find.
 */
export async function previewedSteps(
  db: Db,
  rules: RuleSet,
  request: PreviewRequest,
  leaver: LeaverRow,
): Promise<{ steps: Step[]; reached: Map<Step, Taken[]> }> {
  const applied = await appliedRules(db, [request]);
  const steps = remainingSteps(rules.plan(request.steps, request.rules), request.userId, applied).filter(
    (step) => !request.only || request.only.includes(step.part.rule.id),
  );
  return { steps, reached: findingSteps(steps, leaver) };
}

/**
 * Counts what the steps find, for leavers who have the same ones.
 * @returns the row count by user id for each step; none for a step whose rows an earlier one takes
 */
export async function countSteps(
  db: Db,
  steps: readonly Step[],
  leavers: readonly LeaverRow[],
): Promise<Map<Step, ReadonlyMap<string, number>>> {
  const [first] = leavers;
  if (!first) return new Map();
  return countsOf(db, findingSteps(steps, first), leavers);
}

/** The steps that can find rows, each with the earlier steps whose rows it does not find. */
function findingSteps(steps: readonly Step[], leaver: LeaverRow): Map<Step, Taken[]> {
  const reached = steps.filter((step) =>
    earlierSteps(step, steps).every(({ action }) => survives(step.part.rows, action.effect, step.action.effect)),
  );
  const running = inRunningOrder(steps, leaver);
  return new Map(reached.map((step) => [step, takenBefore(step, running)]));
}

/** The steps as a departure runs them, without remote effects. The order is the same for every leaver. */
const inRunningOrder = (steps: readonly Step[], leaver: LeaverRow): Step[] =>
  groupByStep([{ ...leaver, lifecycleVersion: 0, steps }]).flatMap((members) => members.map(({ step }) => step));

/** The steps of other rules that run before and take rows which this step would find now. */
function takenBefore(step: Step, running: readonly Step[]): Taken[] {
  const own = step.remote?.of ?? step;
  return running
    .slice(0, running.indexOf(own))
    .filter((earlier) => takes(earlier, own))
    .map(({ statements, action: { effect } }) => ({ statements, effect }));
}

/** Counts once for all steps that select the same rows. */
async function countsOf(
  db: Db,
  without: ReadonlyMap<Step, readonly Taken[]>,
  leavers: readonly LeaverRow[],
): Promise<Map<Step, ReadonlyMap<string, number>>> {
  const steps = [...without.keys()];
  const isAlone = (step: Step) => step.remote !== undefined || without.get(step)!.length > 0;
  const [alone, own] = [steps.filter(isAlone), steps.filter((step) => !isAlone(step))];
  const together = [...Map.groupBy(own, ({ statements }) => statements).values()].flatMap((same) => [
    ...Map.groupBy(same, ({ statements, action }) => statements.selectionOf(action.effect)).values(),
  ]);
  together.push(...alone.map((step) => [step]));
  const countings = together.map(([first]) => ({
    statements: first!.statements,
    effect: first!.action.effect,
    leavers,
    items: first!.remote?.effect.items,
    without: without.get(first!)!,
  }));
  const counts = await countTogether(db, countings);
  return new Map(together.flatMap((same, n) => same.map((step) => [step, counts[n]!] as const)));
}

async function lineOf(db: Db, step: Step, count: number, leaver: LeaverRow): Promise<PreviewLine> {
  const { part, action, transition, resolved, statements, remote } = step;
  const detail =
    count > 0 && !remote
      ? await part.rule.explain?.({
          db,
          accountId: leaver.accountId,
          userId: leaver.userId,
          transition,
          action: action.name,
          count,
          ...(part.rows.part && { part: part.rows.part }),
        })
      : undefined;
  const listed = count > 0 && !remote && (part.rule.listed || action.name === 'block');
  return {
    rule: part.rule.id,
    ...(part.rows.part && { part: part.rows.part }),
    transition,
    ...resolved,
    count,
    ...(detail && { detail, warning: part.rule.warning }),
    ...(listed && { items: await statements.list(db, action.effect, leaver, LISTED) }),
    undoable: isUndoable(step),
  };
}

/** Whether a reactivation ends or restores what the step does, if nothing has changed since. */
const isUndoable = ({ transition, action, remote }: Step): boolean =>
  transition === 'deactivated' && (remote ? typeof remote.effect.inverse === 'function' : action.undo !== 'never');

/** The earlier steps of the departure on the same rows. */
function earlierSteps(step: Step, steps: readonly Step[]): Step[] {
  const own = step.remote?.of ?? step;
  return steps
    .slice(0, steps.indexOf(step))
    .filter((earlier) => earlier.part === own.part && earlier.transition !== own.transition);
}
