import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  NOT_RESTORED_REASONS,
  Problem,
  RESTORE,
  type ChoicesPreview,
  type NotRestoredReason,
  type PreviewBlocker,
  type PreviewedChoices,
  type PreviewRule,
  type Principal,
  type Restore,
  type ReturnPreviewLine,
  type RuleDescription,
  type UncountedService,
} from '#libs/contracts';
import { Catalogue } from '../../../catalogue/catalogue.js';
import { seatsOf } from '../../../common/seats.js';
import { assertMayManage } from '../../../user/actors.js';
import { UserRows, type UserRow } from '../../../user/user-rows.js';
import { Restorations } from '../restorations.js';
import { RuleServices } from '../rule-services.js';
import { keysOf, type Choices } from '../token/choices.js';
import { factsOfReturn, PlanTokens } from '../token/plan-token.js';
import { shownLines } from '../token/shown-plan.js';
import { NOBODY_TO_TELL } from './contacts-of-leaver.js';

/** Choices of departures. A reactivation happens at once, and no policy affects it. */
const OF_DEPARTURES = ['successors', 'overrides', 'effectiveAt', 'returnAt', 'tellContacts', 'policy'] as const;

/** Previews of reactivations. Each service counts what it would restore. */
@Injectable()
export class ReturnPreviews {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly catalogue: Catalogue,
    private readonly restorations: Restorations,
    private readonly owners: RuleServices,
    private readonly tokens: PlanTokens,
  ) {}

  /** @throws Problem `validation`, `not-found`, `forbidden`, `unknown-rule` */
  async ofChoices(principal: Principal, userId: string, request: PreviewedChoices): Promise<ChoicesPreview> {
    const field = OF_DEPARTURES.find((name) => request[name] !== undefined);
    if (field) throw new Problem('validation', { errors: [{ field, message: `${field} is for a departure` }] });
    const user = await this.users.get(principal.accountId, userId);
    assertMayManage(principal.roles, user.roles);
    const restore = await this.restorations.of(request);
    const uncounted: UncountedService[] = [];
    const rules = await this.rulesOf(user, restore, uncounted);
    const blockers = await this.blockersOf(user);
    const choices = keysOf(choicesOfReturn(user, restore));
    return {
      ...{ userId, transition: 'reactivated', possible: blockers.length === 0, blockers, warnings: [] },
      planToken: this.tokens.issue({ facts: factsOfReturn(user), shown: { choices, lines: shownLines(rules) } }),
      successors: { firstAdminId: null },
      ...{ rules, uncounted, ...NOBODY_TO_TELL },
    };
  }

  /**
   * What would come back. Nothing for a user who has not been deactivated.
   * @param uncounted receives the services that do not answer: a reactivation destroys nothing
   */
  async rulesOf(user: UserRow, restore: Restore | undefined, uncounted: UncountedService[]): Promise<PreviewRule[]> {
    if (user.status !== 'deactivated') return [];
    const catalogue = await this.catalogue.rules();
    const services = [...new Set(catalogue.map(({ service }) => service))];
    const lines = await this.owners.returnPreview(services, { user, restore }, uncounted);
    return catalogue.flatMap((rule) => lines.filter((line) => line.rule === rule.id).map((line) => ruleOf(line, rule)));
  }

  /** In the order in which a refusal would name it. */
  private async blockersOf(user: UserRow): Promise<PreviewBlocker[]> {
    const { status, account_id: accountId } = user;
    if (status !== 'deactivated')
      return [{ code: 'conflict', detail: `The user is ${status}, not deactivated.`, items: [] }];
    const { total, free } = await seatsOf(this.em, accountId);
    if (free > 0) return [];
    const detail = `All ${total} seats are in use. Deactivate a user or add seats.`;
    return [{ code: 'no-free-seat', detail, items: [] }];
  }
}

export const choicesOfReturn = ({ id }: UserRow, restore: Restore | undefined): Choices => ({
  userId: id,
  transition: 'reactivated',
  restore,
});

const WHY: Record<NotRestoredReason, string> = {
  deleted: 'have been deleted since',
  taken: 'belong to somebody else now',
  changed: 'have been changed since',
  final: 'cannot be restored',
};

function ruleOf(line: ReturnPreviewLine, { id: rule, service, label }: RuleDescription): PreviewRule {
  const { part, affected: count, notRestored, warning, reasons } = line;
  const missing = NOT_RESTORED_REASONS.flatMap((reason) =>
    reasons[reason] ? [{ reason, count: reasons[reason] }] : [],
  );
  const detail = missing.map((one) => `${one.count} ${WHY[one.reason]}`).join(', ');
  return {
    rule,
    ...(part !== undefined && { part }),
    ...{ service, label, transition: 'reactivated', action: RESTORE, allowed: [] },
    ...{ destroys: false, undoable: false, differsFromPolicy: false, count, notRestored },
    ...(missing.length > 0 && { missing, detail: `Rows that do not come back: ${detail}.` }),
    ...(warning !== undefined && { warning }),
  };
}
