import type { LeaverRow } from '../declare/leaver.js';
import type { Step } from './rule-set.js';

/** A leaver of a batch with the steps to run. */
export interface Leaving extends LeaverRow {
  lifecycleVersion: number;
  steps: readonly Step[];
}

/** A leaver with one of their steps. */
export interface Member {
  leaver: Leaving;
  position: number;
  step: Step;
}

/**
 * Groups leavers by common step, in the order of the steps. Steps that only count come before steps that change rows, as in
 * the preview, because an effect can remove rows of another rule: in the first transition all of them, in the second those
 * of rows that the first one leaves as they are.
 */
export function groupByStep(leaving: readonly Leaving[]): Member[][] {
  const byStep = new Map<string, Member[]>();
  for (const leaver of leaving) {
    leaver.steps.forEach((step, position) => {
      // A remote effect is recorded with the step that it belongs to.
      if (step.remote) return;
      const { action, days, scope } = step.resolved;
      const early = isCountedEarly(step, leaver.steps);
      const id = JSON.stringify([early, step.transition, step.part.rule.id, step.part.rows.part, action, days, scope]);
      const members = byStep.get(id);
      if (members) members.push({ leaver, position, step });
      else byStep.set(id, [{ leaver, position, step }]);
    });
  }
  const order = ([first]: Member[]) => {
    const { leaver, step } = first!;
    if (isCountedEarly(step, leaver.steps)) return 0;
    return (step.transition === 'deactivated' ? 0 : 2) + (step.action.effect.kind === 'none' ? 0 : 1);
  };
  return [...byStep.values()].sort((a, b) => order(a) - order(b));
}

/** Whether the step only counts rows that no earlier step of the same rule changes. */
const isCountedEarly = (step: Step, steps: readonly Step[]): boolean =>
  steps
    .slice(0, steps.indexOf(step) + 1)
    .every(({ part, action }) => part !== step.part || action.effect.kind === 'none');

/** Merges consecutive groups that are only counted; each other group is a section of its own. */
export function sections(all: readonly Member[][]): Member[][][] {
  const found: Member[][][] = [];
  for (const group of all) {
    const last = found.at(-1);
    if (last && isCounted(last[0]!) && isCounted(group)) last.push(group);
    else found.push([group]);
  }
  return found;
}

/** Whether the group's step only counts rows. */
export const isCounted = ([first]: Member[]): boolean => first!.step.action.effect.kind === 'none';
