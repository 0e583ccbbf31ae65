import { Injectable } from '@nestjs/common';
import { TRANSITIONS } from '#libs/contracts';
import { Catalogue } from '../../../catalogue/catalogue.js';
import { PolicyService } from '../../../policy/policy.service.js';
import { resolve } from '../../../policy/resolve.js';
import { DepartureReopening } from '../../store/departure-reopening.js';
import type { DepartureRow } from '../../store/departure-row.js';
import { ServiceStates } from '../../store/service-states.js';
import { RepeatedEvents } from '../repeated-events.js';

/**
 * Reopens departures of one account for a service that was onboarded after them, or whose database has lost them. Runs in the
 * caller's transaction. The departures complete as usual, after the service's receipt and the proof.
 */
@Injectable()
export class ReopenedDepartures {
  constructor(
    private readonly reopening: DepartureReopening,
    private readonly states: ServiceStates,
    private readonly repeated: RepeatedEvents,
    private readonly catalogue: Catalogue,
    private readonly policies: PolicyService,
  ) {}

  /** For a service that is not part of them yet. Its rules follow the account's current policy. */
  async open(accountId: string, service: string, departures: readonly DepartureRow[]): Promise<void> {
    if (departures.length === 0) return;
    const rules = (await this.catalogue.rules()).filter((rule) => rule.service === service);
    const policy = await this.policies.get(accountId);
    const reopened = departures.map((departure) => {
      const steps = TRANSITIONS.filter((step) => departure.steps.includes(step));
      const added = resolve(rules, policy, { steps });
      return {
        ...departure,
        round: departure.round + 1,
        policy: { ...departure.policy, rules: { ...departure.policy.rules, ...added } },
      };
    });
    await this.reopening.addService(service, reopened);
    await this.publish(reopened);
  }

  /** For a service that has lost them. The receipts of other services stay. */
  async reopen(service: string, departures: readonly DepartureRow[]): Promise<void> {
    if (departures.length === 0) return;
    const reopened = departures.map((departure) => ({ ...departure, round: departure.round + 1 }));
    await this.reopening.resetService(service, reopened);
    await this.publish(reopened);
  }

  private async publish(reopened: readonly DepartureRow[]): Promise<void> {
    const states = await this.states.of(reopened.map((departure) => departure.id));
    await this.repeated.publish(reopened, await this.repeated.of(reopened), states);
  }
}
