import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Departure, type Principal } from '#libs/contracts';
import { actorOf } from '../../../audit/audit.js';
import { lockAccount } from '../../../common/account-lock.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';
import { Preflight } from '../../plan/preflight.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import type { DepartureRow } from '../../store/departure-row.js';
import { DepartureStore } from '../../store/departure-store.js';
import { ScheduledSteps } from '../../store/scheduled/scheduled-steps.js';

/** Calls scheduled departures off, one by one. */
@Injectable()
export class Cancellations {
  constructor(
    private readonly em: EntityManager,
    private readonly store: DepartureStore,
    private readonly departures: DepartureQueries,
    private readonly scheduled: ScheduledSteps,
    private readonly preflight: Preflight,
    private readonly users: UserRows,
    private readonly actors: Actors,
  ) {}

  /**
   * A deletion that needed the cancelled deactivation is called off with it.
   * @throws Problem `not-found`, `forbidden`, or `conflict` for a departure that is not scheduled
   */
  async cancel(principal: Principal, id: string): Promise<Departure> {
    const { accountId } = principal;
    const { user_id: subjectId } = await this.departures.get(accountId, id);
    await lockAccount(this.em, accountId);
    await this.users.lock([subjectId], 'change');
    const { roles } = await this.users.get(accountId, subjectId);
    assertMayManage(await this.actors.rolesOf(principal), roles);
    const departure = await this.departures.get(accountId, id, true);
    if (departure.status !== 'scheduled')
      throw new Problem('conflict', {
        detail: `The departure is ${departure.status}: only a scheduled one can be cancelled.`,
      });
    await this.store.transition([id], ['scheduled'], 'cancelled', { by: actorOf(principal) });
    if (departure.transition === 'deactivated') await this.callOffDeletion(principal, departure);
    return this.departures.view(accountId, id);
  }

  private async callOffDeletion(
    principal: Principal,
    { id: calledOffBy, user_id: userId }: DepartureRow,
  ): Promise<void> {
    const { deleted } = await this.scheduled.ofUser(userId);
    if (!deleted) return;
    const { id, effectiveAt } = deleted;
    if (await this.preflight.isPossibleAlone(principal.accountId, userId, effectiveAt)) return;
    await this.store.callOff([{ id, to: 'cancelled', calledOffBy, effectiveAt }], actorOf(principal));
  }
}
