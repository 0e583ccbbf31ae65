import { Injectable } from '@nestjs/common';
import type { DepartureRequest, LeavingTransition, Principal } from '#libs/contracts';
import { assertMayManage } from '../../user/actors.js';
import { UserRows } from '../../user/user-rows.js';
import { DepartureTimes } from '../plan/departure-times.js';
import { TellingChecks } from '../plan/guards/telling-checks.js';
import { Planner } from '../plan/planner.js';
import { OWNS_NOTHING, Preflight, type Prepared } from '../plan/preflight.js';
import { ApprovalRequests } from './approval/approval-requests.js';
import { Confirmation } from '../plan/token/confirmation.js';

/** Asks the other services about a departure, before the transaction that decides. */
@Injectable()
export class DeparturePreparation {
  constructor(
    private readonly users: UserRows,
    private readonly times: DepartureTimes,
    private readonly planner: Planner,
    private readonly confirmation: Confirmation,
    private readonly preflight: Preflight,
    private readonly approvals: ApprovalRequests,
    private readonly telling: TellingChecks,
  ) {}

  /**
   * For a scheduled departure it asks only whether the plan is the previewed one, and what an approver has to be shown: what
   * blocks it is asked when it is due.
   * @throws Problem `validation`, `not-found`, `forbidden`, `unknown-rule`, `invalid-action`, `unknown-reference`,
   *   `service-unavailable`
   */
  async prepare(
    principal: Principal,
    userId: string,
    transition: LeavingTransition,
    request: DepartureRequest,
  ): Promise<Prepared> {
    const { accountId } = principal;
    const times = await this.times.of(transition, request);
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    await this.telling.check(accountId, [userId], request.tellContacts);
    const { plan, ...prepared } = times.effectiveAt
      ? { ...OWNS_NOTHING, plan: await this.planner.plan(accountId, userId, transition, request) }
      : await this.preflight.prepare(accountId, userId, { transition, request });
    const { planToken } = request;
    const stale = planToken && (await this.confirmation.prepare(plan, { ...request, ...times }, planToken));
    if (stale) return { ...prepared, stale };
    return { ...prepared, ...(await this.approvals.prepare(principal, plan, { ...request, ...times })) };
  }
}
