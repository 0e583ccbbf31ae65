import type { ApprovalReason, Approvals, ResolvedAction, RuleDescription, Transition } from '#libs/contracts';
import type { Plan } from '../../plan/planner.js';

/** What is asked for. For a bulk departure the plan is that of a user without successors. */
export interface Asked {
  plan: Pick<Plan, 'transition' | 'catalogue' | 'byPolicy' | 'rules'>;
  by: 'manager' | 'provider';
  /** The number of users of a bulk departure. */
  users?: number;
}

/**
 * Why the account wants another manager to approve this; empty if it does not. It is the only place that decides so. What the
 * policy itself schedules, take-overs and reactivations need no approval.
 */
export function approvalReasons(approvals: Approvals, { plan, by, users }: Asked): ApprovalReason[] {
  const isDeletion = plan.transition === 'deleted';
  // A deactivation by an identity provider does what the policy says, and must not wait.
  if (by === 'provider') return isDeletion && approvals.scim === 'wait' ? ['scim'] : [];
  const reasons: [ApprovalReason, boolean][] = [
    ['deleted', approvals.deleted && isDeletion],
    ['destructive', approvals.destructive && destroysMore(plan)],
    ['bulk', approvals.bulkAbove !== null && users !== undefined && users > approvals.bulkAbove],
  ];
  return reasons.flatMap(([reason, needed]) => (needed ? [reason] : []));
}

/** Whether a rule destroys rows that it would keep under the policy, or that it would destroy later. */
function destroysMore({ catalogue, byPolicy, rules }: Asked['plan']): boolean {
  return catalogue.some((rule) =>
    Object.entries(rules[rule.id] ?? {}).some(([step, action]) => {
      const transition = step as Transition;
      return worse(rule, transition, action, byPolicy[rule.id]?.[transition]);
    }),
  );
}

function worse(
  { transitions }: RuleDescription,
  transition: Transition,
  chosen: ResolvedAction,
  policys: ResolvedAction | undefined,
): boolean {
  const destroys = (action: ResolvedAction) => transitions[transition]?.destroys?.includes(action.action) === true;
  if (!destroys(chosen)) return false;
  if (policys === undefined || !destroys(policys)) return true;
  const isSooner = (chosen.days ?? 0) < (policys.days ?? 0);
  const isWider = chosen.scope === 'all' && policys.scope !== undefined && policys.scope !== 'all';
  return isSooner || isWider;
}
