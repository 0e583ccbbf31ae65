import type { AppliedTransition } from '#libs/contracts';
import type { LeaverRow } from '../declare/leaver.js';
import type { Step } from './rule-set.js';

/** A leaver of a batch with the steps to run. */
export interface Leaving extends LeaverRow {
  lifecycleVersion: number;
  steps: readonly Step[];
  /** Whether the user stays active: in a take-over or a reassignment. */
  stays?: boolean;
  /** The account's first admin according to the event. */
  firstAdminId?: string | null;
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
  const byStep = new Map<string, { order: number; members: Member[] }>();
  for (const leaver of leaving) {
    const changed = new Set<Step['part']>();
    for (const [position, step] of leaver.steps.entries()) {
      // A remote effect is recorded with the step that it belongs to.
      if (step.remote) continue;
      const order = orderOf(step, changed.has(step.part));
      if (changesRows(step)) changed.add(step.part);
      const { action, days, scope } = step.resolved;
      const id = JSON.stringify([order, step.transition, step.part.rule.id, step.part.rows.part, action, days, scope]);
      const group = byStep.get(id);
      if (group) group.members.push({ leaver, position, step });
      else byStep.set(id, { order, members: [{ leaver, position, step }] });
    }
  }
  return [...byStep.values()].sort((a, b) => a.order - b.order).map(({ members }) => members);
}

const CHANGES: Record<AppliedTransition, number> = { reassigned: 1, transferred: 1, deactivated: 2, deleted: 4 };

/** @param afterChange whether an earlier step changes the same rows */
function orderOf(step: Step, afterChange: boolean): number {
  if (changesRows(step)) return CHANGES[step.transition];
  return afterChange ? 3 : 0;
}

const changesRows = ({ action }: Step): boolean => action.effect.kind !== 'none';

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
export const isCounted = ([first]: Member[]): boolean => !changesRows(first!.step);
