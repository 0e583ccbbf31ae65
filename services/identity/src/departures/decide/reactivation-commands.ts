import { Injectable } from '@nestjs/common';
import type { Departure, Principal, Reactivation } from '#libs/contracts';
import { Actors, assertMayManage } from '../../user/actors.js';
import { UserRows } from '../../user/user-rows.js';
import { Restorations } from '../plan/restorations.js';
import { DepartureQueries } from '../store/departure-queries.js';
import { requesterOf } from './immediate-departures.js';
import { Reactivations } from './reactivations.js';

/** Reactivates users, and restores what the request asks for. */
@Injectable()
export class ReactivationCommands {
  constructor(
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly reactivations: Reactivations,
    private readonly restorations: Restorations,
    private readonly departures: DepartureQueries,
  ) {}

  /** @throws Problem `not-found`, `forbidden`, `conflict` unless the user is deactivated, `no-free-seat`, `unknown-rule` */
  async reactivate(principal: Principal, userId: string, request: Reactivation = {}): Promise<Departure> {
    const { accountId } = principal;
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    const restore = await this.restorations.of(request);
    const decision = { ...(await this.reactivations.prepare(accountId, userId)), restore };
    assertMayManage(await this.actors.rolesOf(principal), decision.user.roles);
    const { departureId, invitation } = await this.reactivations.apply(decision, requesterOf(principal), principal);
    const departure = await this.departures.view(accountId, departureId);
    return invitation ? { ...departure, invitation } : departure;
  }
}
