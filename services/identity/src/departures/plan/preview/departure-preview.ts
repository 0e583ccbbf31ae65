import { Injectable } from '@nestjs/common';
import type {
  ChoicesPreview,
  DeparturePreview,
  PreviewedChoices,
  PreviewLine,
  PreviewWarning,
  Principal,
  Transition,
  UncountedService,
} from '#libs/contracts';
import { FirstAdmins } from '../first-admins.js';
import { RuleServices } from '../rule-services.js';
import { keysOf } from '../token/choices.js';
import { factsOf, PlanTokens } from '../token/plan-token.js';
import { shownLines } from '../token/shown-plan.js';
import { Blockers } from './blockers.js';
import { ContactsOfLeaver, NOBODY_TO_TELL } from './contacts-of-leaver.js';
import { previewRules } from './preview-rules.js';
import { PreviewedSuccessors } from './previewed-successors.js';
import { RequestedPlans, type RequestedPlan } from './requested-plans.js';

/** Previews of departures. Each service counts its own rows. */
@Injectable()
export class DeparturePreviews {
  constructor(
    private readonly requests: RequestedPlans,
    private readonly owners: RuleServices,
    private readonly firstAdmins: FirstAdmins,
    private readonly blockers: Blockers,
    private readonly contacts: ContactsOfLeaver,
    private readonly tokens: PlanTokens,
    private readonly successors: PreviewedSuccessors,
  ) {}

  /**
   * What the account's policy does. The request that follows may choose something else.
   * @throws Problem `not-found`, `forbidden`, or `service-unavailable` naming a service that does not answer
   */
  async preview(principal: Principal, userId: string, transition: Transition): Promise<DeparturePreview> {
    const requested = await this.requests.byPolicy(principal, userId, transition);
    const { plan } = requested;
    const preview = await this.contentsOf(principal, requested);
    const uncounted = preview.uncounted.map(({ service }) => service);
    return { ...preview, planToken: this.tokens.issue({ facts: factsOf(plan), uncounted }) };
  }

  /**
   * What exactly this request would do. The token ties the request to the preview.
   * @throws Problem like `RequestedPlans.of`, or `service-unavailable` naming a service that does not answer
   */
  async ofChoices(principal: Principal, userId: string, request: PreviewedChoices): Promise<ChoicesPreview> {
    const requested = await this.requests.of(principal, userId, request);
    const preview = await this.contentsOf(principal, requested);
    if (request.policy) return preview;
    const planToken = this.tokens.issue({
      facts: factsOf(requested.plan),
      uncounted: preview.uncounted.map(({ service }) => service),
      shown: { choices: keysOf(requested.choices), lines: shownLines(preview.rules) },
    });
    return { ...preview, planToken };
  }

  private async contentsOf(principal: Principal, { plan, later, staysAway, erasesAt }: Omit<RequestedPlan, 'choices'>) {
    const { transition, user } = plan;
    const uncounted: UncountedService[] = [];
    const lines = await this.owners.preview(plan, { uncounted });
    const away = new Set(uncounted.map(({ service }) => service));
    // After a take-over the new person answers the contacts.
    const { toTell, warnings } =
      transition === 'transferred' ? { toTell: NOBODY_TO_TELL, warnings: [] } : await this.contacts.of(plan, away);
    const blockers = staysAway ?? (await this.blockers.of(principal, plan, { lines, later }));
    const firstAdminId = await this.firstAdmins.ofUser(user);
    const named = await this.successors.of(plan);
    return {
      userId: user.id,
      transition,
      possible: blockers.length === 0,
      ...(erasesAt && { erasesAt }),
      blockers,
      warnings: [...lines.flatMap(warningOf), ...warnings],
      successors: { firstAdminId, ...(named.length > 0 && { named }) },
      rules: previewRules(plan, lines, firstAdminId),
      uncounted,
      ...toTell,
    };
  }
}

const warningOf = ({ rule, detail, warning }: PreviewLine): PreviewWarning[] =>
  warning && detail ? [{ rule, detail }] : [];
