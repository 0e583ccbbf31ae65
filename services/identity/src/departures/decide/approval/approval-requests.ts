import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type ApprovalReason, type Conversion, type DepartureRequest, type Principal } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { actorOf } from '../../../audit/audit.js';
import { Approvers } from '../../../policy/approvers.js';
import { Drafts } from '../../draft/drafts.js';
import type { Times } from '../../plan/departure-times.js';
import type { Prepared } from '../../plan/preflight.js';
import { Planner, type Plan, type PlanRequest } from '../../plan/planner.js';
import { RequestTokens } from '../../plan/token/request-tokens.js';
import { ApprovalStore } from '../../store/approvals/approval-store.js';
import { approvalReasons } from './approval-reasons.js';

const DAY = 86_400_000;

/** A user, or an identity provider with the user who created its token. */
export type Requester = Principal & { createdBy?: string | null };

type Wanted = PlanRequest & Times & Pick<DepartureRequest, 'reason' | 'planToken'> & { conversion?: Conversion };

/** Has departures wait for another manager if the account's policy wants that. */
@Injectable()
export class ApprovalRequests {
  constructor(
    private readonly planner: Planner,
    private readonly tokens: RequestTokens,
    private readonly store: ApprovalStore,
    private readonly approvers: Approvers,
    private readonly drafts: Drafts,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Before the transaction of the decision.
   * @returns for `Prepared`: the token of the plan that has to be approved; nothing if the request needs no approval
   * @throws Problem `service-unavailable` naming a service that does not answer
   */
  async prepare(principal: Principal, plan: Plan, request: Wanted): Promise<Pick<Prepared, 'planToken'>> {
    return reasonsFor(principal, plan).length === 0 ? {} : { planToken: await this.tokens.of(plan, request) };
  }

  /**
   * Called after all checks of the decision, under its locks.
   * @returns the id of the departure that waits; undefined for a request that needs no approval; `PREPARE_AGAIN` if the policy has
   *   changed since the preparation
   * @throws Problem `conflict` if another departure of the user waits, `no-approver`
   */
  async request(
    principal: Requester,
    plan: Plan,
    request: Wanted,
    prepared: Pick<Prepared, 'planToken'> | undefined,
  ): Promise<string | PrepareAgain | undefined> {
    const neededFor = reasonsFor(principal, plan);
    if (neededFor.length === 0) return undefined;
    if (prepared?.planToken === undefined) return PREPARE_AGAIN;
    const { user, policy, transition } = plan;
    // An identity provider has to take access from the user in any case.
    if (principal.system === undefined) await this.assertApprover(principal, plan);
    const { successors, overrides, tellContacts, reason, effectiveAt, returnAt, returnRestore, conversion } = request;
    const [id, now] = [this.ids.next(), this.clock.now()];
    const requestedBy = principal.system === undefined ? principal.userId : null;
    await this.drafts.drop([user.id]);
    await this.store.insert(
      {
        id,
        account_id: user.account_id,
        user_id: user.id,
        transition,
        requested_by: requestedBy,
        effective_at: effectiveAt ?? now.toISOString(),
        reason: reason ?? null,
        wishes: { successors, overrides, tellContacts, ...(returnRestore && { returnRestore }) },
        return_at: returnAt ?? null,
        ...(conversion && { conversion }),
      },
      {
        neededFor,
        requestedBy,
        tokenCreatedBy: principal.createdBy ?? null,
        atOnce: effectiveAt === undefined,
        planToken: prepared.planToken,
        expiresAt: new Date(now.getTime() + policy.approvals.days * DAY),
      },
      actorOf(principal),
    );
    return id;
  }

  /**
   * Binds what waits to the user as they are now, after a change in the same transaction that the request itself has brought
   * about.
   */
  async rebind(accountId: string, { id, userId }: { id: string; userId: string }): Promise<void> {
    const waiting = await this.store.waiting(id);
    if (!waiting?.plan_token) return;
    const plan = await this.planner.plan(accountId, userId, 'deleted');
    await this.store.setToken(id, this.tokens.rebind(waiting.plan_token, plan));
  }

  private async assertApprover({ userId }: Principal, { user }: Plan): Promise<void> {
    const owners = user.roles.includes('owner');
    if (await this.approvers.exist(user.account_id, { without: [userId, user.id], owners })) return;
    throw new Problem('no-approver', {
      detail: `This needs the approval of another ${owners ? 'owner' : 'owner or admin'}, but the account has none.`,
    });
  }
}

const reasonsFor = ({ system }: Principal, plan: Plan): ApprovalReason[] =>
  approvalReasons(plan.policy.approvals, { plan, by: system === undefined ? 'manager' : 'provider' });
