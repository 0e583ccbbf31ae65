import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { Departure, Principal, Problem, Reactivation } from '#libs/contracts';
import { Actors, assertMayManage } from '../../user/actors.js';
import { UserRows } from '../../user/user-rows.js';
import { Restorations } from '../plan/restorations.js';
import { ReturnConfirmation } from '../plan/token/return-confirmation.js';
import { DepartureQueries } from '../store/departure-queries.js';
import { requesterOf } from './immediate-departures.js';
import { Reactivations } from './reactivations.js';

export interface PreparedReturn {
  /** The refusal of a request that is not the previewed one. */
  stale?: Problem;
}

/** Reactivates users, and restores what the request asks for. */
@Injectable()
export class ReactivationCommands {
  constructor(
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly reactivations: Reactivations,
    private readonly restorations: Restorations,
    private readonly confirmation: ReturnConfirmation,
    private readonly departures: DepartureQueries,
  ) {}

  /**
   * Compares the request with its preview, before the transaction of `reactivate`.
   * @throws Problem `not-found`, `forbidden`, `unknown-rule`
   */
  async prepare(
    principal: Principal,
    userId: string,
    { planToken, ...request }: Reactivation,
  ): Promise<PreparedReturn> {
    if (planToken === undefined) return {};
    const user = await this.users.get(principal.accountId, userId);
    assertMayManage(principal.roles, user.roles);
    const restore = await this.restorations.of(request);
    const stale = await this.confirmation.prepare(planToken, user, restore);
    return stale ? { stale } : {};
  }

  /**
   * @returns `PREPARE_AGAIN` only for a request with a plan token
   * @throws Problem `not-found`, `forbidden`, `conflict` unless the user is deactivated, `no-free-seat`, `plan-stale`,
   *   `unknown-rule`
   */
  async reactivate(
    principal: Principal,
    userId: string,
    request: Reactivation = {},
    { stale }: PreparedReturn = {},
  ): Promise<Departure | PrepareAgain> {
    const { accountId } = principal;
    const { planToken } = request;
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    const restore = await this.restorations.of(request);
    const decision = { ...(await this.reactivations.prepare(accountId, userId)), restore };
    if (planToken !== undefined) {
      const confirmed = await this.confirmation.check(planToken, decision.user, restore, stale);
      if (confirmed === PREPARE_AGAIN) return PREPARE_AGAIN;
    }
    assertMayManage(await this.actors.rolesOf(principal), decision.user.roles);
    const { departureId, invitation } = await this.reactivations.apply(decision, requesterOf(principal), principal);
    const departure = await this.departures.view(accountId, departureId);
    return invitation ? { ...departure, invitation } : departure;
  }
}
