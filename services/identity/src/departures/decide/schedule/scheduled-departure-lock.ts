import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type DepartureStatus, type Principal } from '#libs/contracts';
import { lockAccount } from '../../../common/account-lock.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import type { DepartureRow } from '../../store/departure-row.js';

/** Locks a departure that has not begun for a manager who wants to change it. */
@Injectable()
export class ScheduledDepartureLock {
  constructor(
    private readonly em: EntityManager,
    private readonly departures: DepartureQueries,
    private readonly users: UserRows,
    private readonly actors: Actors,
  ) {}

  /**
   * Locks the account, the user and the departure until the transaction ends.
   * @param statuses in one of which it has to be
   * @param strength as in `UserRows.lock`
   * @throws Problem `not-found`, `forbidden`, or `conflict` for a departure with another status
   */
  async take(
    principal: Principal,
    id: string,
    statuses: readonly DepartureStatus[] = ['scheduled'],
    strength: 'change' | 'leave' = 'change',
  ): Promise<DepartureRow> {
    const { accountId } = principal;
    const { user_id: userId } = await this.departures.get(accountId, id);
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], strength);
    const { roles } = await this.users.get(accountId, userId);
    assertMayManage(await this.actors.rolesOf(principal), roles);
    const departure = await this.departures.get(accountId, id, true);
    if (statuses.includes(departure.status)) return departure;
    throw new Problem('conflict', {
      detail: `The departure is ${departure.status}. This needs one that is ${statuses.join(' or ')}.`,
    });
  }
}
