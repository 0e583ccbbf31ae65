/** @import { PlanChange, PlannedAction } from '#libs/contracts' */
import { ruleName } from './rule-name.mjs';

/**
 * A line for each difference between the plan that was shown and the plan now.
 * @param {readonly PlanChange[]} changes
 */
export const describeChanges = (changes) =>
  changes.map((change) => `${ruleName(change)}: ${describe(change.before)} → ${describe(change.after)}`);

/** @param {PlannedAction | null} planned */
function describe(planned) {
  if (!planned) return 'nothing';
  const { action, days, scope, count, successorId, successorTeamId } = planned;
  const words = [
    action,
    days !== undefined && `${days} days`,
    scope && `(${scope})`,
    successorId && `to ${successorId}`,
    successorTeamId && `to team ${successorTeamId}`,
  ];
  return `${words.filter(Boolean).join(' ')}, ${count} rows`;
}
