import { PREVIEWS_LISTED, type PreviewsLine, type PreviewsRequest } from '#libs/contracts';
import { appliedRules } from '../inbox/applied-rules.js';
import type { LeaverRow } from '../declare/leaver.js';
import type { Db } from '../declare/where.js';
import { remainingSteps } from '../receive/decision-application.js';
import type { RuleSet, Step } from '../run/rule-set.js';
import { countSteps } from './preview.js';

/** The position of a person in the request, with the steps that are left for them. */
interface Asked {
  position: number;
  leaver: LeaverRow;
  steps: Step[];
}

/**
 * The counts of `preview` for many people. People with the same steps are counted together, so the number of statements does
 * not depend on the number of people; only ids of rows that prevent a departure are listed person by person.
 */
export async function previews(db: Db, rules: RuleSet, request: PreviewsRequest, now: Date): Promise<PreviewsLine[]> {
  const lines = new Map<Step, PreviewsLine>();
  for (const same of await withSameSteps(db, rules, request, now)) {
    const { steps } = same[0]!;
    const counts = await countSteps(
      db,
      steps,
      same.map(({ leaver }) => leaver),
    );
    for (const step of steps) {
      const line = lines.get(step) ?? emptyLine(step);
      lines.set(step, line);
      for (const { position, leaver } of same) {
        const count = counts.get(step)?.get(leaver.userId) ?? 0;
        if (count === 0) continue;
        line.counts.push([position, count]);
        if (isListed(step)) (line.items ??= []).push([position, await list(db, step, leaver)]);
      }
    }
  }
  return [...lines.values()];
}

async function withSameSteps(
  db: Db,
  rules: RuleSet,
  { accountId, people, steps: transitions, rules: policy, only }: PreviewsRequest,
  now: Date,
): Promise<Asked[][]> {
  const applied = await appliedRules(db, people);
  const planned = rules.plan(transitions, policy).filter((step) => !only || only.includes(step.part.rule.id));
  const places = new Map(planned.map((step, place) => [step, place]));
  const asked = people.map(({ userId, wasManager }, position): Asked => ({
    position,
    leaver: { userId, accountId, wasManager, leftAt: now },
    steps: remainingSteps(planned, userId, applied),
  }));
  return [...Map.groupBy(asked, ({ steps }) => steps.map((step) => places.get(step)).join()).values()];
}

function emptyLine({ part, transition, resolved: { to: _to, ...resolved } }: Step): PreviewsLine {
  return { rule: part.rule.id, ...(part.rows.part && { part: part.rows.part }), transition, ...resolved, counts: [] };
}

const isListed = ({ action, remote }: Step): boolean => action.name === 'block' && !remote;

const list = (db: Db, { statements, action }: Step, leaver: LeaverRow): Promise<string[]> =>
  statements.list(db, action.effect, leaver, PREVIEWS_LISTED);
