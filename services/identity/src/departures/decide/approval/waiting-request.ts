import type { Conversion, LeavingTransition } from '#libs/contracts';
import { isoOf } from '../../../common/moments.js';
import type { Times } from '../../plan/departure-times.js';
import type { PlanRequest } from '../../plan/planner.js';
import type { WaitingApproval } from '../../store/approvals/approval-store.js';
import { tellingOf, type DepartureRow } from '../../store/departure-row.js';

/** What a departure that waits was requested with. Times in ISO 8601. */
export interface WaitingRequest {
  id: string;
  accountId: string;
  userId: string;
  transition: LeavingTransition;
  /** With the time in the choices that the token binds. */
  wishes: PlanRequest & Times;
  conversion: Conversion | null;
  /** The later day; undefined if it begins with the approval, also because its day has passed. */
  later?: string;
  planToken: string;
  approval: WaitingApproval;
}

/** @param planToken the approver's own; without it, that of the request binds the approval */
export function waitingRequestOf(
  departure: DepartureRow,
  approval: WaitingApproval,
  { now, planToken }: { now: Date; planToken?: string },
): WaitingRequest {
  const { id, account_id: accountId, user_id: userId, transition, conversion, return_at: returnAt } = departure;
  const { successors, overrides, returnRestore } = departure.wishes;
  const wantedAt = approval.at_once ? undefined : isoOf(departure.effective_at);
  const isDue = wantedAt === undefined || Date.parse(wantedAt) <= now.getTime();
  // Nobody can preview a departure for a time that has passed, only one for now.
  const chosenAt = isDue && planToken !== undefined ? undefined : wantedAt;
  return {
    ...{ id, accountId, userId, conversion, approval },
    transition: transition as LeavingTransition,
    wishes: {
      successors,
      overrides,
      tellContacts: tellingOf(departure),
      ...(chosenAt && { effectiveAt: chosenAt }),
      ...(returnAt && { returnAt: isoOf(returnAt), returnRestore }),
    },
    ...(!isDue && { later: wantedAt }),
    planToken: planToken ?? approval.plan_token ?? '',
  };
}
