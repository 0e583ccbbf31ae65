import { Injectable } from '@nestjs/common';
import type { PrepareAgain } from '#libs/broker';
import type { Problem, Restore, UncountedService } from '#libs/contracts';
import { Catalogue } from '../../../catalogue/catalogue.js';
import type { UserRow } from '../../../user/user-rows.js';
import { rulesOfServices } from '../rule-services.js';
import { choicesOfReturn, ReturnPreviews } from '../preview/return-preview.js';
import { factsOfReturn } from './plan-token.js';
import { shownLines } from './shown-plan.js';
import { TokenChecks } from './token-checks.js';

/** Compares reactivations with their previews. They destroy nothing, so counts may change. */
@Injectable()
export class ReturnConfirmation {
  constructor(
    private readonly tokens: TokenChecks,
    private readonly previews: ReturnPreviews,
    private readonly catalogue: Catalogue,
  ) {}

  /** Before the transaction, because services are asked what has changed. @returns the refusal for `check` */
  prepare(planToken: string, user: UserRow, restore: Restore | undefined): Promise<Problem | undefined> {
    return this.tokens.prepare(planToken, requestedOf(user, restore), {
      destroying: () => Promise.resolve([]),
      all: () => this.recount(user, restore),
    });
  }

  /**
   * Under the locks of the account and the user.
   * @returns `PREPARE_AGAIN` if the user has changed since `prepare`
   * @throws Problem `plan-stale`
   */
  check(
    planToken: string,
    user: UserRow,
    restore: Restore | undefined,
    stale: Problem | undefined,
  ): Promise<PrepareAgain | undefined> {
    return this.tokens.check(planToken, requestedOf(user, restore), { stale });
  }

  private async recount(user: UserRow, restore: Restore | undefined) {
    const uncounted: UncountedService[] = [];
    const rules = await this.previews.rulesOf(user, restore, uncounted);
    return { lines: shownLines(rules), uncounted: rulesOfServices(await this.catalogue.rules(), uncounted) };
  }
}

const requestedOf = (user: UserRow, restore: Restore | undefined) => ({
  facts: factsOfReturn(user),
  choices: choicesOfReturn(user, restore),
});
