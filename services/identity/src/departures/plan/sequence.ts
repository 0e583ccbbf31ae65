import type { PreviewBlocker } from '#libs/contracts';
import type { Scheduled } from '../store/scheduled/scheduled-steps.js';
import type { Plan } from './planner.js';

const DAY = 86_400_000;

/** When a departure is to happen, and what is scheduled for the same user. Times in ISO 8601. */
export interface Later {
  effectiveAt: string;
  returnAt?: string;
  scheduled: Scheduled;
}

/**
 * Why a departure cannot join what is scheduled for the user: a deactivation, a deletion at the same time or later, and
 * no return between the two. A request for a later day calls off nothing.
 */
export function outOfSequence(plan: Plan, later: Later): PreviewBlocker | undefined {
  const same = later.scheduled[plan.transition];
  if (same) {
    const noun = plan.transition === 'deleted' ? 'deletion' : 'deactivation';
    return conflict(
      `A ${noun} of this user is scheduled already, for ${same.effectiveAt}. Cancel that one first.`,
      same,
    );
  }
  return plan.transition === 'deleted' ? beforeDeletion(later) : beforeDeactivation(later);
}

function beforeDeactivation({ effectiveAt, returnAt, scheduled: { deleted } }: Later): PreviewBlocker | undefined {
  if (!deleted) return undefined;
  const known = `A deletion of this user is scheduled for ${deleted.effectiveAt}.`;
  if (returnAt !== undefined) return conflict(`${known} Cancel it first, or leave out \`returnAt\`.`, deleted);
  if (effectiveAt <= deleted.effectiveAt) return undefined;
  return conflict(`${known} Choose an earlier time for the deactivation, or cancel the deletion first.`, deleted);
}

function beforeDeletion({ effectiveAt, scheduled: { deactivated, reactivated } }: Later): PreviewBlocker | undefined {
  if (reactivated && reactivated.effectiveAt <= effectiveAt) {
    const known = `The user returns on ${reactivated.effectiveAt}, which calls off a deletion on a later day.`;
    return conflict(`${known} Cancel the return first, or choose an earlier time.`, reactivated);
  }
  if (!deactivated) return undefined;
  const known = `A deactivation of this user is scheduled for ${deactivated.effectiveAt}`;
  if (deactivated.returnAt)
    return conflict(`${known}, with a return. Cancel it and schedule one without \`returnAt\` first.`, deactivated);
  if (deactivated.effectiveAt <= effectiveAt) return undefined;
  return conflict(`${known}. Choose that time or a later one, or cancel the deactivation first.`, deactivated);
}

/** A deletion that needs a deactivation before it, of somebody for whom none is scheduled. */
export function notDeactivatedBy({ transition, user, policy }: Plan, { scheduled }: Later): PreviewBlocker | undefined {
  if (transition !== 'deleted' || policy.preset !== 'crm' || user.status !== 'active') return undefined;
  if (scheduled.deactivated) return undefined;
  const detail = 'Deactivate the user first, or schedule a deactivation for the same time or an earlier one.';
  return { code: 'not-deactivated', detail, items: [] };
}

/** A deletion within the account's retention, as counted from the deactivation that there is or that is scheduled. */
export function retainedAt(
  { transition, user, retentionDays }: Plan,
  { effectiveAt, scheduled: { deactivated } }: Later,
): PreviewBlocker | undefined {
  if (transition !== 'deleted' || retentionDays === 0) return undefined;
  if (user.status === 'invited' && !deactivated) return undefined;
  const rule = `The account keeps people for ${retentionDays} days after their deactivation.`;
  const since = user.deactivated_at ?? deactivated?.effectiveAt;
  if (since === undefined)
    return { code: 'retention', detail: `${rule} Deactivate first, or schedule a deactivation.`, items: [] };
  const until = Date.parse(since) + retentionDays * DAY;
  if (Date.parse(effectiveAt) >= until) return undefined;
  return { code: 'retention', detail: `${rule} Delete from ${new Date(until).toISOString()} on.`, items: [] };
}

const conflict = (detail: string, { id }: { id: string }): PreviewBlocker => ({
  code: 'conflict',
  detail,
  items: [id],
});
