import type { DepartureTransition } from '#libs/contracts';
import { Injectable } from '@nestjs/common';
import { BatchWorker, failpoint, WorkerContext } from '#libs/jobs';
import { safeErrorFields } from '#libs/observability';
import { RuleServices, type Broken } from '../plan/rule-services.js';
import type { AnsweredDeparture } from '../store/departure-answers.js';
import { DepartureClaims, LEASE_MS, RETRY } from '../store/departure-claims.js';
import { DepartureSignals } from '../store/departure-signals.js';
import { Completion } from './completion.js';

/** Their users stay or are back, and may have such rows again. */
const PROMISE_NOTHING: readonly DepartureTransition[] = ['reactivated', 'reassigned'];

/** Asks every service of an answered departure for its proof, and completes or fails the departure. */
@Injectable()
export class CompletionWorker extends BatchWorker<AnsweredDeparture> {
  constructor(
    private readonly claims: DepartureClaims,
    private readonly completion: Completion,
    private readonly services: RuleServices,
    signals: DepartureSignals,
    context: WorkerContext,
  ) {
    super(context, { name: 'departure-completion', batchSize: 500, leaseMs: LEASE_MS, retry: RETRY });
    signals.on('answered', () => this.wake());
  }

  protected override claim(limit: number): Promise<AnsweredDeparture[]> {
    return this.claims.answered(limit, this.leaseUntil());
  }

  protected override async run(answered: readonly AnsweredDeparture[]): Promise<void> {
    const broken = new Map<string, Broken[]>();
    const unproven = new Set<string>();
    await Promise.all(
      [...(await this.completion.servicesOf(answered))].map(async ([service, its]) => {
        const left = its.filter((departure) => !PROMISE_NOTHING.includes(departure.transition));
        const users = left.map((one) => ({ userId: one.user_id, lifecycleVersion: one.lifecycle_version }));
        await this.services.broken(service, users).then(
          (found) => broken.set(service, found),
          (error: unknown) => {
            for (const { id } of its) unproven.add(id);
            this.log.warn(
              { from: service, departures: its.length, ...safeErrorFields(error) },
              'a service did not send its proof',
            );
          },
        );
      }),
    );
    const [waiting, proven] = [
      answered.filter(({ id }) => unproven.has(id)),
      answered.filter(({ id }) => !unproven.has(id)),
    ];
    if (waiting.length > 0) await this.claims.retryAt(waiting, this.retryAt(0)!);
    if (proven.length > 0) await failpoint('departure.close', () => this.completion.complete(proven, broken));
  }

  protected override async failed(answered: readonly AnsweredDeparture[]): Promise<Date> {
    const retryAt = this.retryAt(0)!;
    await this.claims.retryAt(answered, retryAt);
    return retryAt;
  }

  protected override about(answered: readonly AnsweredDeparture[]): object {
    return { departures: answered.length };
  }
}
