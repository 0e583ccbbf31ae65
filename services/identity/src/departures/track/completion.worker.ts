import { Injectable } from '@nestjs/common';
import { failpoint, StepWorker, WorkerContext } from '#libs/jobs';
import { safeErrorFields } from '#libs/observability';
import { RuleServices, type Broken } from '../plan/rule-services.js';
import type { AnsweredDeparture } from '../store/departure-answers.js';
import { CLAIM_SIZE, DepartureClaims } from '../store/departure-claims.js';
import { DepartureSignals } from '../store/departure-signals.js';
import { Completion } from './completion.js';

/** Asks every service of an answered departure for its proof, and ends the departure by it. */
@Injectable()
export class CompletionWorker extends StepWorker {
  constructor(
    private readonly claims: DepartureClaims,
    private readonly completion: Completion,
    private readonly services: RuleServices,
    signals: DepartureSignals,
    context: WorkerContext,
  ) {
    super(context, { name: 'departure-completion' });
    signals.on('answered', () => this.wake());
  }

  protected async step(): Promise<boolean> {
    const answered = await this.claims.answered();
    if (answered.length > 0) await this.complete(answered).catch((error: unknown) => this.retryLater(answered, error));
    return answered.length === CLAIM_SIZE;
  }

  private async complete(answered: readonly AnsweredDeparture[]): Promise<void> {
    const broken = new Map<string, Broken[]>();
    const unproven = new Set<string>();
    await Promise.all(
      [...(await this.completion.servicesOf(answered))].map(async ([service, its]) => {
        const left = its.filter((departure) => departure.transition !== 'reactivated');
        const users = left.map((one) => ({ userId: one.user_id, lifecycleVersion: one.lifecycle_version }));
        await this.services.broken(service, users).then(
          (found) => broken.set(service, found),
          async (error: unknown) => {
            for (const { id } of its) unproven.add(id);
            await this.retryLater(its, error);
          },
        );
      }),
    );
    const proven = answered.filter((departure) => !unproven.has(departure.id));
    if (proven.length > 0) await failpoint('departure.close', () => this.completion.complete(proven, broken));
  }

  private async retryLater(departures: readonly AnsweredDeparture[], error: unknown): Promise<void> {
    this.log.warn({ departures: departures.length, ...safeErrorFields(error) }, 'departures cannot be completed yet');
    await this.claims.retryLater(departures);
  }
}
