import type { ReceiptLine, ResolvedAction } from '#libs/contracts';
import type { LeaverRow } from '../declare/leaver.js';
import type { Step } from './rule-set.js';
import type { Successors } from './successors.js';

type Leaver = LeaverRow & { steps: readonly Step[]; firstAdminId?: string | null };

/** The receipt line of a step that has changed nothing yet. */
export function openLine(leaver: Leaver, step: Step, successors: Successors): ReceiptLine {
  const { to: _to, ...choice }: ResolvedAction = step.resolved;
  const successor = step.action.needsSuccessor ? successors.of(leaver, step) : null;
  return {
    rule: step.part.rule.id,
    ...(step.part.rows.part && { part: step.part.rows.part }),
    transition: step.transition,
    ...choice,
    action: step.action.name,
    affected: 0,
    ...(successor && { transferredTo: successor.userId }),
    ...(successor?.warning && { warning: successor.warning }),
    remaining: null,
    finishedAt: null,
  };
}
