import { Injectable } from '@nestjs/common';
import { Problem, type Departure, type DepartureChange, type Principal, type LeavingTransition } from '#libs/contracts';
import { Clock } from '#libs/database';
import { actorOf } from '../../../audit/audit.js';
import { isoOf, isoOrNull, momentAfter } from '../../../common/moments.js';
import { Preflight } from '../../plan/preflight.js';
import { Confirmation } from '../../plan/token/confirmation.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import type { DepartureRow } from '../../store/departure-row.js';
import { DepartureStore, type ScheduleFacts } from '../../store/departure-store.js';
import { ScheduledDepartureLock } from './scheduled-departure-lock.js';

/** Moves scheduled departures and returns, and changes their reason. */
@Injectable()
export class ScheduleChanges {
  constructor(
    private readonly lock: ScheduledDepartureLock,
    private readonly preflight: Preflight,
    private readonly confirmation: Confirmation,
    private readonly store: DepartureStore,
    private readonly departures: DepartureQueries,
    private readonly clock: Clock,
  ) {}

  /**
   * Other times are checked as those of a new request.
   * @throws Problem `not-found`, `forbidden`, `conflict`, `validation`, or with the code of the first guard that refuses
   */
  async change(principal: Principal, id: string, change: DepartureChange): Promise<Departure> {
    const departure = await this.lock.take(principal, id);
    const before = factsOf(departure);
    const after = this.changed(departure, before, change);
    const fields = (['effectiveAt', 'returnAt', 'reason'] as const).filter((field) => before[field] !== after[field]);
    if (fields.some((field) => field !== 'reason')) await this.check(principal, departure, after);
    if (fields.length > 0) {
      const detail = Object.fromEntries(fields.map((field) => [field, { from: before[field], to: after[field] }]));
      await this.store.reschedule(id, after, { by: actorOf(principal), detail });
    }
    return this.departures.view(principal.accountId, id);
  }

  private changed({ transition }: DepartureRow, before: ScheduleFacts, change: DepartureChange): ScheduleFacts {
    const { reason = before.reason } = change;
    const effectiveAt =
      change.effectiveAt === undefined
        ? before.effectiveAt
        : momentAfter('effectiveAt', change.effectiveAt, this.clock.millis());
    const { returnAt = before.returnAt } = change;
    if (returnAt === null) return { reason, effectiveAt, returnAt };
    if (transition !== 'deactivated')
      throw new Problem('validation', {
        errors: [{ field: 'returnAt', message: 'returnAt is for a deactivation. Move a return with effectiveAt' }],
      });
    return { reason, effectiveAt, returnAt: momentAfter('returnAt', returnAt, Date.parse(effectiveAt)) };
  }

  private async check(principal: Principal, departure: DepartureRow, { effectiveAt, returnAt }: ScheduleFacts) {
    const { id, user_id: userId, transition, wishes } = departure;
    if (transition === 'reactivated') return this.preflight.assertReturnCanMove(userId, effectiveAt);
    const { successors, overrides } = wishes;
    const plan = await this.preflight.runForLater(principal, userId, {
      // Only departures and returns are scheduled.
      transition: transition as LeavingTransition,
      request: { successors, overrides, effectiveAt, returnAt: returnAt ?? undefined },
      moved: id,
    });
    await this.confirmation.check(principal, plan, {});
  }
}

const factsOf = ({ reason, effective_at: effectiveAt, return_at: returnAt }: DepartureRow): ScheduleFacts => ({
  reason,
  effectiveAt: isoOf(effectiveAt),
  returnAt: isoOrNull(returnAt),
});
