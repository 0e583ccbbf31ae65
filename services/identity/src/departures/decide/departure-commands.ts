import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { Departure, DepartureRequest, Principal, Transition } from '#libs/contracts';
import { assertMayManage } from '../../user/actors.js';
import { UserRows } from '../../user/user-rows.js';
import { Confirmation } from '../plan/confirmation.js';
import { Preflight, resolvedPolicy, type Prepared } from '../plan/preflight.js';
import { DepartureQueries } from '../store/departure-queries.js';
import { Decisions } from './decisions.js';
import { DepartureTimes, type Times } from './departure-times.js';
import { RepeatedDeactivations } from './repeated-deactivations.js';
import { Schedule } from './schedule/schedule.js';

/** Deactivates and deletes users immediately, or schedules that. A refusal changes nothing. */
@Injectable()
export class DepartureCommands {
  constructor(
    private readonly users: UserRows,
    private readonly preflight: Preflight,
    private readonly confirmation: Confirmation,
    private readonly decisions: Decisions,
    private readonly schedule: Schedule,
    private readonly departures: DepartureQueries,
    private readonly times: DepartureTimes,
    private readonly repeated: RepeatedDeactivations,
  ) {}

  /**
   * Asks the other services, before the transaction of `decide`.
   * @returns undefined for a scheduled departure, because they are asked when it is due
   * @throws Problem `validation`, `not-found`, `forbidden`, `service-unavailable`
   */
  async prepare(
    principal: Principal,
    userId: string,
    transition: Transition,
    request: DepartureRequest,
  ): Promise<Prepared | undefined> {
    const { effectiveAt } = await this.times.of(transition, request);
    assertMayManage(principal.roles, (await this.users.get(principal.accountId, userId)).roles);
    return effectiveAt ? undefined : this.preflight.prepare(principal.accountId, userId, { transition, request });
  }

  /**
   * @param prepared the result of `prepare`
   * @throws Problem with the code of the first guard that refuses
   */
  async decide(
    principal: Principal,
    userId: string,
    transition: Transition,
    request: DepartureRequest,
    prepared: Prepared | undefined,
  ): Promise<Departure | PrepareAgain> {
    const { accountId } = principal;
    const { effectiveAt, returnAt, returnRestore } = await this.times.of(transition, request);
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    if (effectiveAt)
      return this.decideLater(principal, userId, transition, { ...request, effectiveAt, returnAt, returnRestore });
    const away = transition === 'deactivated' && (await this.repeated.callOffReturn(principal, userId, request));
    if (away) return this.departures.view(accountId, away);
    if (!prepared) return PREPARE_AGAIN;
    const plan = await this.preflight.run(principal, userId, { transition, request }, prepared);
    if (plan === PREPARE_AGAIN) return PREPARE_AGAIN;
    await this.confirmation.check(principal, plan, request.planToken);
    const decision = { user: plan.user, policy: resolvedPolicy(plan), reason: request.reason, returnAt, returnRestore };
    const [id] = await this.decisions.apply(transition, [decision], requesterOf(principal), principal);
    return this.departures.view(accountId, id!);
  }

  private async decideLater(
    principal: Principal,
    userId: string,
    transition: Transition,
    request: DepartureRequest & Times & { effectiveAt: string },
  ): Promise<Departure> {
    const { accountId, userId: requestedBy } = principal;
    const plan = await this.preflight.runForLater(principal, userId, { transition, request });
    await this.confirmation.check(principal, plan, request.planToken);
    const { successors, overrides, reason, effectiveAt, returnAt, returnRestore } = request;
    const leaver = { userId, wishes: { successors, overrides }, reason, returnAt, returnRestore };
    const [id] = await this.schedule.scheduleDepartures({ accountId, transition, requestedBy, effectiveAt }, [leaver]);
    return this.departures.view(accountId, id!);
  }
}

/** Null for a program of the account, such as its identity provider. */
export const requesterOf = ({ userId, system }: Principal): string | null => (system === undefined ? userId : null);
