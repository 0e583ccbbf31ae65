import type { PreviewLine, PreviewRequest } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import { survives, type RuleSet, type Step } from '../run/rule-set.js';
import { remainingSteps } from '../receive/decision-application.js';
import * as inbox from '../inbox/inbox.js';
import type { LeaverRow } from '../declare/leaver.js';
import { countTogether } from '../sql/counting.js';

/** How many ids a blocked rule lists. */
const LISTED = 100;

/**
 * What a departure would do, counted by the same statements that would do it. With no writes in between, the counts are
 * those of the receipt.
 */
export async function preview(db: Db, rules: RuleSet, request: PreviewRequest, now: Date): Promise<PreviewLine[]> {
  const { userId, accountId, wasManager } = request;
  const leaver: LeaverRow = { userId, accountId, wasManager, leftAt: now };
  const applied = await inbox.applied(db, [request]);
  const steps = remainingSteps(rules.plan(request.steps, request.rules), userId, applied).filter(
    (step) => !request.only || request.only.includes(step.part.rule.id),
  );
  const reached = steps.filter((step) =>
    earlierSteps(step, steps).every(({ action }) => survives(step.part.rows, action.effect, step.action.effect)),
  );
  const counts = await countsOf(db, reached, leaver);
  const lines: PreviewLine[] = [];
  for (const step of steps) lines.push(await lineOf(db, step, counts.get(step) ?? 0, leaver));
  return lines;
}

/** Steps that deal with the same rows have the same count, which is counted once. */
async function countsOf(db: Db, steps: readonly Step[], leaver: LeaverRow): Promise<Map<Step, number>> {
  const together = [...Map.groupBy(steps, ({ statements }) => statements).values()].flatMap((same) => [
    ...Map.groupBy(same, ({ statements, action }) => statements.selectionOf(action.effect)).values(),
  ]);
  const countings = together.map(([first]) => ({
    statements: first!.statements,
    effect: first!.action.effect,
    leavers: [leaver],
  }));
  const counts = await countTogether(db, countings);
  return new Map(
    together.flatMap((same, n) => same.map((step): [Step, number] => [step, counts[n]!.get(leaver.userId) ?? 0])),
  );
}

async function lineOf(db: Db, step: Step, count: number, leaver: LeaverRow): Promise<PreviewLine> {
  const { part, action, transition, resolved, statements } = step;
  const detail =
    count > 0
      ? await part.rule.explain?.({
          db,
          accountId: leaver.accountId,
          userId: leaver.userId,
          action: action.name,
          count,
        })
      : undefined;
  const listed = count > 0 && (part.rule.listed || action.name === 'block');
  return {
    rule: part.rule.id,
    ...(part.rows.part && { part: part.rows.part }),
    transition,
    ...resolved,
    count,
    ...(detail && { detail, warning: part.rule.warning }),
    ...(listed && { items: await statements.list(db, action.effect, leaver, LISTED) }),
  };
}

/** What the same departure does to the same rows before this step. */
const earlierSteps = (step: Step, steps: readonly Step[]): Step[] =>
  steps.slice(0, steps.indexOf(step)).filter((earlier) => earlier.part === step.part);
