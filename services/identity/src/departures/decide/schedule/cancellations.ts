import { Injectable } from '@nestjs/common';
import type { Departure, Principal } from '#libs/contracts';
import { actorOf } from '../../../audit/audit.js';
import { Preflight } from '../../plan/preflight.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import type { DepartureRow } from '../../store/departure-row.js';
import { DepartureStore } from '../../store/departure-store.js';
import { ScheduledSteps } from '../../store/scheduled/scheduled-steps.js';
import { ScheduledDepartureLock } from './scheduled-departure-lock.js';

const NOT_BEGUN = ['scheduled', 'awaiting-approval'] as const;

/** Calls departures off that are scheduled or wait for approval, one by one. */
@Injectable()
export class Cancellations {
  constructor(
    private readonly lock: ScheduledDepartureLock,
    private readonly store: DepartureStore,
    private readonly departures: DepartureQueries,
    private readonly scheduled: ScheduledSteps,
    private readonly preflight: Preflight,
  ) {}

  /**
   * A deletion that needed the cancelled deactivation is called off with it.
   * @throws Problem `not-found`, `forbidden`, or `conflict` for a departure with another status
   */
  async cancel(principal: Principal, id: string): Promise<Departure> {
    const departure = await this.lock.take(principal, id, NOT_BEGUN);
    await this.store.transition([id], NOT_BEGUN, 'cancelled', { by: actorOf(principal) });
    if (departure.transition === 'deactivated' && departure.status === 'scheduled')
      await this.callOffDeletion(principal, departure);
    return this.departures.view(principal.accountId, id);
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
