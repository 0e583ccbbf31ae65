import { Injectable } from '@nestjs/common';
import type { UncountedService } from '#libs/contracts';
import { isUnavailable } from '../../../common/answering-services.js';
import { FirstAdmins } from '../first-admins.js';
import type { Plan } from '../planner.js';
import { previewRules } from '../preview/preview-rules.js';
import { destroyingRules, RuleServices, rulesOfServices } from '../rule-services.js';
import { shownLines } from './shown-plan.js';
import type { Recount } from './token-checks.js';

/** Counts the rows of a departure again. */
@Injectable()
export class PlanRecount {
  constructor(
    private readonly owners: RuleServices,
    private readonly firstAdmins: FirstAdmins,
  ) {}

  of(plan: Plan): Recount {
    return {
      destroying: async () => {
        const lines = await this.owners.preview(plan, { only: destroyingRules(plan) });
        return shownLines(previewRules(plan, lines, null));
      },
      all: () => this.all(plan),
    };
  }

  private async all(plan: Plan) {
    const uncounted: UncountedService[] = [];
    try {
      const lines = await this.owners.preview(plan, { uncounted });
      const firstAdminId = await this.firstAdmins.ofUser(plan.user);
      const away = rulesOfServices(plan.catalogue, uncounted);
      return { lines: shownLines(previewRules(plan, lines, firstAdminId)), uncounted: away };
    } catch (error) {
      if (isUnavailable(error)) return undefined;
      throw error;
    }
  }
}
