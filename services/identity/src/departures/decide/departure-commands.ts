import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { Departure, DepartureRequest, Principal, LeavingTransition } from '#libs/contracts';
import { assertMayManage } from '../../user/actors.js';
import { UserRows } from '../../user/user-rows.js';
import { DepartureTimes } from '../plan/departure-times.js';
import type { Prepared } from '../plan/preflight.js';
import { DepartureQueries } from '../store/departure-queries.js';
import type { Requester } from './approval/approval-requests.js';
import { DeparturePreparation } from './departure-preparation.js';
import { ImmediateDepartures } from './immediate-departures.js';
import { LaterDepartures } from './schedule/later-departures.js';

/** Deactivates and deletes users immediately, schedules that, or has it wait for another manager. A refusal changes nothing. */
@Injectable()
export class DepartureCommands {
  constructor(
    private readonly users: UserRows,
    private readonly preparation: DeparturePreparation,
    private readonly immediate: ImmediateDepartures,
    private readonly later: LaterDepartures,
    private readonly departures: DepartureQueries,
    private readonly times: DepartureTimes,
  ) {}

  /**
   * Asks the other services, before the transaction of `decide`.
   * @throws Problem `validation`, `not-found`, `forbidden`, `unknown-rule`, `invalid-action`, `service-unavailable`
   */
  prepare(
    principal: Principal,
    userId: string,
    transition: LeavingTransition,
    request: DepartureRequest,
  ): Promise<Prepared> {
    return this.preparation.prepare(principal, userId, transition, request);
  }

  /**
   * @param prepared the result of `prepare`
   * @throws Problem with the code of the first guard that refuses
   */
  async decide(
    principal: Requester,
    userId: string,
    transition: LeavingTransition,
    request: DepartureRequest,
    prepared: Prepared | undefined,
  ): Promise<Departure | PrepareAgain> {
    const { accountId } = principal;
    const { effectiveAt, returnAt, returnRestore } = await this.times.of(transition, request);
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    const times = { effectiveAt, returnAt, returnRestore };
    const id = effectiveAt
      ? await this.later.decide(principal, userId, transition, { ...request, ...times, effectiveAt }, prepared)
      : await this.immediate.decide(principal, userId, transition, { ...request, ...times }, prepared);
    return id === PREPARE_AGAIN ? PREPARE_AGAIN : this.departures.view(accountId, id);
  }
}
