import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import {
  contactsNamed,
  contactsToTell,
  LEAVING_TRANSITIONS,
  type DeparturePreview,
  type PreviewLine,
  type PreviewRule,
  type PreviewWarning,
  type Principal,
  type ResolvedRules,
  type RuleDescription,
  type Transition,
  type UncountedService,
  type UserOverview,
} from '#libs/contracts';
import { assertMayManage } from '../../user/actors.js';
import { UserRows } from '../../user/user-rows.js';
import { Blockers } from './blockers.js';
import { FirstAdmins } from './first-admins.js';
import { PlanTokens } from './plan-token.js';
import { Planner, type Plan } from './planner.js';
import { RuleServices } from './rule-services.js';

/** Previews of departures and overviews of a user's rows. Each service counts its own rows. */
@Injectable()
export class DeparturePreviews {
  constructor(
    private readonly firstAdmins: FirstAdmins,
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly owners: RuleServices,
    private readonly blockers: Blockers,
    private readonly tokens: PlanTokens,
    private readonly client: ServiceClient,
  ) {}

  /** @throws Problem `not-found`, `forbidden`, or `service-unavailable` naming a service that does not answer */
  async preview(principal: Principal, userId: string, transition: Transition): Promise<DeparturePreview> {
    const { accountId } = principal;
    assertMayManage(principal.roles, (await this.users.get(accountId, userId)).roles);
    const plan = await this.planner.plan(accountId, userId, transition);
    const uncounted: UncountedService[] = [];
    const lines = await this.owners.preview(plan, uncounted);
    const away = new Set(uncounted.map(({ service }) => service));
    // After a take-over the new person answers the contacts.
    const contactsToTell = transition === 'transferred' ? NOBODY_TO_TELL : await this.toTell(plan, away);
    const blockers = await this.blockers.of(principal, plan, lines);
    return {
      userId,
      transition,
      planToken: this.tokens.issue(
        plan,
        uncounted.map(({ service }) => service),
      ),
      possible: blockers.length === 0,
      blockers,
      warnings: lines.flatMap(warningOf),
      successors: { firstAdminId: await this.firstAdmin(accountId, userId) },
      rules: lines.flatMap((line) => ruleLine(line, plan.catalogue)),
      uncounted,
      ...contactsToTell,
    };
  }

  /**
   * The contacts with whom the leaver has been in touch. Empty if the messaging service has not declared rules or is away;
   * without names if the service that has them is away.
   * @param away services that do not answer
   */
  private async toTell(
    plan: Plan,
    away: ReadonlySet<string>,
  ): Promise<Pick<DeparturePreview, 'contactsToTell' | 'contactsToTellTotal'>> {
    const { account_id: accountId, id: userId } = plan.user;
    const { service } = contactsToTell;
    if (away.has(service) || !plan.catalogue.some((rule) => rule.service === service)) return NOBODY_TO_TELL;
    const { contacts, total } = await this.client.ask(contactsToTell, { accountId, userId });
    if (contacts.length === 0) return NOBODY_TO_TELL;
    const contactIds = contacts.map(({ contactId }) => contactId);
    const named = away.has(contactsNamed.service)
      ? { contacts: [] }
      : await this.client.ask(contactsNamed, { accountId, contactIds });
    const byId = new Map(named.contacts.map((contact) => [contact.id, contact]));
    // A contact that has been deleted stays in the list, because its messages are still there.
    const shown = contacts.map(({ contactId, lastMessageAt }) => {
      const { name = null, phone = null } = byId.get(contactId) ?? {};
      return { contactId, name, phone, lastMessageAt };
    });
    return { contactsToTell: shown, contactsToTellTotal: total };
  }

  /** @throws Problem `not-found`, or `service-unavailable` naming a service that does not answer */
  async overview(accountId: string, userId: string): Promise<UserOverview> {
    const plan = await this.planner.plan(accountId, userId, 'deleted');
    const lines = await this.owners.preview(keepingAll(plan));
    const rules = lines.flatMap(({ rule, part, count }) => {
      const known = plan.catalogue.find((one) => one.id === rule);
      return known ? [{ rule, ...(part && { part }), service: known.service, label: known.label, count }] : [];
    });
    return { userId, rules };
  }

  private async firstAdmin(accountId: string, leaverId: string): Promise<string | null> {
    return (await this.firstAdmins.of([accountId], [leaverId])).get(accountId) ?? null;
  }
}

const NOBODY_TO_TELL = { contactsToTell: [], contactsToTellTotal: 0 };

function ruleLine(line: PreviewLine, catalogue: readonly RuleDescription[]): PreviewRule[] {
  const known = catalogue.find((rule) => rule.id === line.rule);
  if (!known) return [];
  const { rule, part, transition, action, days, scope, count, detail } = line;
  return [
    {
      rule,
      ...(part && { part }),
      service: known.service,
      label: known.label,
      transition,
      action,
      ...(days !== undefined && { days }),
      ...(scope && { scope }),
      allowed: [...(known.transitions[transition]?.allowed ?? [])],
      destroys: known.transitions[transition]?.destroys?.includes(action) === true,
      count,
      ...(detail && { detail }),
    },
  ];
}

const warningOf = ({ rule, detail, warning }: PreviewLine): PreviewWarning[] =>
  warning && detail ? [{ rule, detail }] : [];

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
