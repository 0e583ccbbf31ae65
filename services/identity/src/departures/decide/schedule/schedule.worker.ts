import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN } from '#libs/broker';
import { Problem } from '#libs/contracts';
import { safeErrorFields } from '#libs/observability';
import { BatchWorker, WorkerContext } from '#libs/jobs';
import { DepartureClaims, LEASE_MS, RETRY, type DueDeparture } from '../../store/departure-claims.js';
import { ScheduledDepartures } from './scheduled-departures.js';
import { ScheduledReturns } from './scheduled-returns.js';

/** Carries out scheduled departures and returns whose day has come. */
@Injectable()
export class ScheduleWorker extends BatchWorker<DueDeparture> {
  constructor(
    private readonly claims: DepartureClaims,
    private readonly departures: ScheduledDepartures,
    private readonly returns: ScheduledReturns,
    context: WorkerContext,
  ) {
    super(context, { name: 'scheduled-departures', batchSize: 200, leaseMs: LEASE_MS, retry: RETRY });
  }

  protected override claim(limit: number): Promise<DueDeparture[]> {
    return this.claims.scheduled(limit, this.leaseUntil());
  }

  protected override async run(due: readonly DueDeparture[]): Promise<void> {
    const groups = Map.groupBy(due, (one) =>
      // Each reactivation needs a seat, so each is decided separately.
      one.transition === 'reactivated' ? one.id : [one.account_id, one.transition, one.requested_by].join(' '),
    );
    for (const group of groups.values()) await this.decide(group);
    // The next departure of the same users may be due as well.
    this.wake();
  }

  /** If a group fails for an unknown reason, decides its members one by one, so that one does not delay the others. */
  private async decide(group: readonly DueDeparture[]): Promise<void> {
    try {
      if (group[0]!.transition === 'reactivated') await this.returns.decide(group[0]!);
      else if ((await this.departures.decide(group)) === PREPARE_AGAIN)
        await this.retryLater(group, new Problem('plan-stale'));
    } catch (error) {
      const known = error instanceof Problem || group.length === 1;
      if (!known) for (const one of group) await this.decide([one]);
      else await this.retryLater(group, error);
    }
  }

  private async retryLater(group: readonly DueDeparture[], error: unknown): Promise<void> {
    this.log.warn({ departures: group.length, ...safeErrorFields(error) }, 'scheduled departures will be retried');
    await this.claims.retryScheduledAt(group, this.retryAt(0)!);
  }
}
