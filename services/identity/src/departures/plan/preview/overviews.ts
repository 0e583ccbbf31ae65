import { Injectable } from '@nestjs/common';
import { LEAVING_TRANSITIONS, type ResolvedRules, type UserOverview } from '#libs/contracts';
import { Planner, type Plan } from '../planner.js';
import { RuleServices } from '../rule-services.js';

/** Counts what users own. */
@Injectable()
export class Overviews {
  constructor(
    private readonly planner: Planner,
    private readonly owners: RuleServices,
  ) {}

  /** @throws Problem `not-found`, or `service-unavailable` naming a service that does not answer */
  async of(accountId: string, userId: string): Promise<UserOverview> {
    const plan = await this.planner.plan(accountId, userId, 'deleted');
    const lines = await this.owners.preview(keepingAll(plan));
    const rules = lines.flatMap(({ rule, part, count }) => {
      const known = plan.catalogue.find((one) => one.id === rule);
      return known ? [{ rule, ...(part && { part }), service: known.service, label: known.label, count }] : [];
    });
    return { userId, rules };
  }
}

/**
 * Every rule once, with an action that counts the user's rows: `keep` if the rule offers it. No rule counts as already
 * applied, even if the user is deactivated.
 */
function keepingAll(plan: Plan): Plan {
  const rules: ResolvedRules = {};
  for (const { id, transitions } of plan.catalogue) {
    const transition = LEAVING_TRANSITIONS.find((one) => transitions[one]);
    if (!transition) continue;
    const description = transitions[transition];
    if (!description) continue;
    rules[id] = { [transition]: description.allowed.includes('keep') ? { action: 'keep' } : description.default };
  }
  return { ...plan, rules, user: { ...plan.user, active_since: plan.user.lifecycle_version } };
}
