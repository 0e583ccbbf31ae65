import type { ReceiptLine, ResolvedAction } from '#libs/contracts';
import type { LeaverRow } from '../declare/leaver.js';
import type { Step } from './rule-set.js';
import type { Successors } from './successors.js';

type Leaver = LeaverRow & { steps: readonly Step[]; firstAdminId?: string | null };

/** The rows of a leaver that members of teams have got, according to the receipt. */
export const sharedIn = (lines: readonly (ReceiptLine | undefined)[]): number =>
  lines.flatMap((line) => line?.receivers ?? []).reduce((sum, { affected }) => sum + affected, 0);

/** Adds rows that members of a team have got. A line of one successor stays as it is. */
export function withReceived(line: ReceiptLine, received: ReadonlyMap<string, number> = new Map()): ReceiptLine {
  if (!line.receivers || received.size === 0) return line;
  const counts = new Map(line.receivers.map(({ userId, affected }) => [userId, affected]));
  for (const [userId, rows] of received) counts.set(userId, (counts.get(userId) ?? 0) + rows);
  return { ...line, receivers: [...counts].map(([userId, affected]) => ({ userId, affected })) };
}

/** The receipt line of a step that has changed nothing yet. */
export function openLine(leaver: Leaver, step: Step, successors: Successors): ReceiptLine {
  const { to: _to, team: _team, namedBy: _namedBy, ...choice }: ResolvedAction = step.resolved;
  const team = successors.teamOf(leaver, step);
  const successor = step.action.needsSuccessor && !team ? successors.of(leaver, step) : null;
  const warning = (team ?? successor)?.warning;
  return {
    rule: step.part.rule.id,
    ...(step.part.rows.part && { part: step.part.rows.part }),
    transition: step.transition,
    ...choice,
    action: step.action.name,
    affected: 0,
    ...(team && { receivers: [] }),
    ...(successor && { transferredTo: successor.userId }),
    ...(warning && { warning }),
    remaining: null,
    finishedAt: null,
  };
}
