import { Injectable } from '@nestjs/common';
import { Problem, type ConversionRequest, type Departure, type Principal } from '#libs/contracts';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Audit } from '../../../audit/audit.js';
import { Preflight, resolvedPolicy, type Prepared } from '../../plan/preflight.js';
import { Decisions } from '../decisions.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { requireNonBlank } from '../../../common/require-non-blank.js';
import { ApprovalRequests } from '../approval/approval-requests.js';
import { isBlocking } from './blocking-lines.js';
import { SharedInboxes } from './shared-inboxes.js';

export interface PreparedConversion {
  /** The inbox that becomes a shared one. */
  inboxId: string;
  prepared: Prepared;
}

/** Deletes a user and turns the user's number and threads into a shared inbox. */
@Injectable()
export class Conversions {
  constructor(
    private readonly actors: Actors,
    private readonly inboxes: SharedInboxes,
    private readonly preflight: Preflight,
    private readonly approvals: ApprovalRequests,
    private readonly decisions: Decisions,
    private readonly departures: DepartureQueries,
    private readonly audit: Audit,
  ) {}

  /**
   * Asks the other services, before the transaction of `convert`.
   * @throws Problem `validation`, `not-found`, `forbidden`, `service-unavailable`
   */
  async prepare(principal: Principal, userId: string, request: ConversionRequest): Promise<PreparedConversion> {
    requireNonBlank('name', request.name);
    if (request.memberIds.includes(userId)) {
      const message = 'memberIds must not name the user who leaves';
      throw new Problem('validation', { errors: [{ field: 'memberIds', message }] });
    }
    const asked = { transition: 'deleted' as const, isBlocking };
    const { plan, ...prepared } = await this.preflight.prepare(principal.accountId, userId, asked);
    assertMayManage(principal.roles, plan.user.roles);
    const inboxId = await this.inboxes.idFor(principal, userId);
    const waiting = await this.approvals.prepare(principal, plan, {});
    return { inboxId, prepared: { ...prepared, ...waiting } };
  }

  /**
   * A user without number and threads becomes an empty inbox.
   * @throws Problem with the code of the first guard that refuses, `unknown-user` or `inactive-user` for members
   */
  async convert(
    principal: Principal,
    userId: string,
    request: ConversionRequest,
    { inboxId, prepared }: PreparedConversion,
  ): Promise<Departure | PrepareAgain> {
    const { accountId, userId: requestedBy } = principal;
    const { memberIds } = request;
    const name = requireNonBlank('name', request.name);
    const plan = await this.preflight.run(principal, userId, { transition: 'deleted' }, prepared);
    if (plan === PREPARE_AGAIN) return PREPARE_AGAIN;
    await this.inboxes.lockMembers(accountId, memberIds);
    assertMayManage(await this.actors.rolesOf(principal), plan.user.roles);
    const conversion = { inboxId, name, memberIds };
    const waiting = await this.approvals.request(principal, plan, { conversion }, prepared);
    if (waiting === PREPARE_AGAIN) return PREPARE_AGAIN;
    if (waiting) return this.departures.view(accountId, waiting);
    const decided = [{ user: plan.user, policy: resolvedPolicy(plan), conversion }];
    const [id] = await this.decisions.apply('deleted', decided, requestedBy);
    await this.audit.append([{ accountId, action: 'user.converted', actorId: requestedBy, subjectId: userId }]);
    return this.departures.view(accountId, id!);
  }
}
