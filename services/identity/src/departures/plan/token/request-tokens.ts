import { Injectable } from '@nestjs/common';
import type { UncountedService } from '#libs/contracts';
import type { Times } from '../departure-times.js';
import { FirstAdmins } from '../first-admins.js';
import type { Plan, PlanRequest } from '../planner.js';
import { previewRules } from '../preview/preview-rules.js';
import { RuleServices } from '../rule-services.js';
import { choicesIn, keysOf } from './choices.js';
import { factsOf, PlanTokens } from './plan-token.js';
import { shownLines } from './shown-plan.js';

/** The plan tokens of requests that wait. */
@Injectable()
export class RequestTokens {
  constructor(
    private readonly tokens: PlanTokens,
    private readonly owners: RuleServices,
    private readonly firstAdmins: FirstAdmins,
  ) {}

  /** The same token for a user who has changed since in a way that changes nothing about the plan. */
  rebind(token: string, plan: Plan): string {
    const { at: _at, ...basis } = this.tokens.read(token)!;
    return this.tokens.issue({ ...basis, facts: factsOf(plan) });
  }

  /**
   * The token of the preview of exactly this request: the requester's, or a new one. Asks the services, so it comes before the
   * transaction.
   * @throws Problem `service-unavailable` naming a service that does not answer
   */
  async of(plan: Plan, request: PlanRequest & Times & { planToken?: string }): Promise<string> {
    const { planToken } = request;
    if (planToken !== undefined && this.tokens.read(planToken)?.shown) return planToken;
    const uncounted: UncountedService[] = [];
    const lines = await this.owners.preview(plan, { uncounted });
    return this.tokens.issue({
      facts: factsOf(plan),
      uncounted: uncounted.map(({ service }) => service),
      shown: {
        choices: keysOf(choicesIn(plan, request)),
        lines: shownLines(previewRules(plan, lines, await this.firstAdmins.ofUser(plan.user))),
      },
    });
  }
}
