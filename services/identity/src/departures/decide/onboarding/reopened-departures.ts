import { Injectable } from '@nestjs/common';
import { Catalogue } from '../../../catalogue/catalogue.js';
import { PolicyService } from '../../../policy/policy.service.js';
import { resolve } from '../../../policy/resolve.js';
import { DepartureReopening } from '../../store/departure-reopening.js';
import type { DepartureRow } from '../../store/departure-row.js';
import { ServiceStates } from '../../store/service-states.js';
import { RepeatedEvents } from '../repeated-events.js';

/**
 * Opens departures of one account again for a service: one that has joined since they were decided, or one that has lost
 * what it did. In the caller's transaction. They end as always: when it has answered and the proof holds.
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

  /** For a service that takes no part in them yet. What its rules do follows from the account's policy of today. */
  async open(accountId: string, service: string, departures: readonly DepartureRow[]): Promise<void> {
    if (departures.length === 0) return;
    const rules = (await this.catalogue.rules()).filter((rule) => rule.service === service);
    const policy = await this.policies.get(accountId);
    const reopened = departures.map((departure) => {
      const more = resolve(rules, policy, { steps: departure.steps });
      return {
        ...departure,
        round: departure.round + 1,
        policy: { ...departure.policy, rules: { ...departure.policy.rules, ...more } },
      };
    });
    await this.reopening.addService(service, reopened);
    await this.publish(reopened);
  }

  /** For a service that no longer knows them. What the other services did stays done. */
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
