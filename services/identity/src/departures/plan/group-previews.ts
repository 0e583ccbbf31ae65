import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import {
  PREVIEWS_LISTED,
  previewsOf,
  type PreviewLine,
  type PreviewsLine,
  type PreviewsRequest,
  type ResolvedRules,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { previews, RuleSet } from '#libs/lifecycle';
import { isUnavailable } from '../../common/answering-services.js';
import type { Plan } from './planner.js';
import { concernedRules, inOrderOf, RuleServices } from './rule-services.js';

/** People per question. */
const AT_ONCE = 500;
/** Concurrent questions about one person each, to a service that does not answer them about many. */
const MAX_CONCURRENT_CALLS = 20;

/** Plans that apply the same actions, so that their rows can be counted together. */
interface Alike {
  plans: Plan[];
  only?: string[];
}

/** Previews of many people of one account. */
@Injectable()
export class GroupPreviews {
  constructor(
    private readonly em: EntityManager,
    private readonly client: ServiceClient,
    private readonly rules: RuleSet,
    private readonly clock: Clock,
    private readonly owners: RuleServices,
  ) {}

  /**
   * The lines with rows, by user, as a preview of each would have them, without explanations and with at most
   * `PREVIEWS_LISTED` items.
   * @param onlyOf the rules to count. Default: all
   * @throws Problem `service-unavailable` with the name of a service that does not answer
   */
  async of(plans: readonly Plan[], onlyOf?: (plan: Plan) => string[]): Promise<Map<string, PreviewLine[]>> {
    const lines = new Map<string, PreviewLine[]>(plans.map(({ user }) => [user.id, []]));
    for (const { plans: alike, only } of groupsOf(plans, onlyOf))
      for (let from = 0; from < alike.length; from += AT_ONCE)
        await this.count({ plans: alike.slice(from, from + AT_ONCE), only }, lines);
    return lines;
  }

  private async count({ plans, only }: Alike, into: Map<string, PreviewLine[]>): Promise<void> {
    const [first] = plans as [Plan];
    const concerned = concernedRules(first, only);
    const services = [...new Set(concerned.map(({ service }) => service))];
    const answers = await Promise.all(
      services.map((service) => {
        const own = concerned.filter((rule) => rule.service === service).map(({ id }) => id);
        return this.ask(service, plans, own);
      }),
    );
    for (const [userId, line] of answers.flat()) into.get(userId)!.push(line);
    const order = inOrderOf(first);
    for (const { user } of plans) into.get(user.id)!.sort(order);
  }

  /**
   * A service of another version does not know the question about many people, which looks as if it were away. Such a service
   * answers about one person, and is then asked about each.
   */
  private async ask(service: string, plans: Plan[], own: string[]): Promise<[userId: string, PreviewLine][]> {
    const request = requestOf(plans, own);
    if (service === this.rules.service)
      return linesOf(plans, await previews(this.em.getKysely(), this.rules, request, this.clock.now()));
    try {
      return linesOf(plans, await this.client.ask(previewsOf(service), request));
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      const [first, ...others] = plans;
      return [...(await this.askAbout(first!, own)), ...(await this.askAboutEach(others, own))];
    }
  }

  private async askAboutEach(plans: readonly Plan[], own: string[]): Promise<[userId: string, PreviewLine][]> {
    const lines: [string, PreviewLine][] = [];
    for (let from = 0; from < plans.length; from += MAX_CONCURRENT_CALLS) {
      const some = plans.slice(from, from + MAX_CONCURRENT_CALLS);
      lines.push(...(await Promise.all(some.map((plan) => this.askAbout(plan, own)))).flat());
    }
    return lines;
  }

  private async askAbout(plan: Plan, own: string[]): Promise<[userId: string, PreviewLine][]> {
    const lines = await this.owners.preview(plan, { only: own });
    return lines
      .filter(({ count }) => count > 0)
      .map((line) => [plan.user.id, line.items ? { ...line, items: line.items.slice(0, PREVIEWS_LISTED) } : line]);
  }
}

function groupsOf(plans: readonly Plan[], onlyOf?: (plan: Plan) => string[]): Alike[] {
  const groups = new Map<string, Alike>();
  for (const plan of plans) {
    const only = onlyOf?.(plan);
    const key = JSON.stringify([plan.steps, withoutSuccessors(plan.rules), only]);
    const group = groups.get(key) ?? { plans: [], only };
    groups.set(key, group);
    group.plans.push(plan);
  }
  return [...groups.values()];
}

const SUCCESSOR = ['to', 'team', 'namedBy'];

/** Who gets the rows does not change how many there are. */
const withoutSuccessors = (rules: ResolvedRules): ResolvedRules =>
  JSON.parse(
    JSON.stringify(rules, (name, value: unknown) => (SUCCESSOR.includes(name) ? undefined : value)),
  ) as ResolvedRules;

function requestOf(plans: readonly Plan[], own: string[]): PreviewsRequest {
  const [{ user, steps, rules }] = plans as [Plan];
  return {
    accountId: user.account_id,
    steps,
    rules: withoutSuccessors(Object.fromEntries(Object.entries(rules).filter(([id]) => own.includes(id)))),
    only: own,
    people: plans.map((plan) => ({
      userId: plan.user.id,
      activeSince: plan.user.active_since,
      wasManager: plan.wasManager,
    })),
  };
}

const linesOf = (plans: readonly Plan[], answer: readonly PreviewsLine[]): [userId: string, PreviewLine][] =>
  answer.flatMap(({ counts, items, ...line }) => {
    const listed = new Map(items);
    return counts.map(([person, count]): [string, PreviewLine] => {
      const ids = listed.get(person);
      const { user, rules } = plans[person]!;
      const { to, team } = rules[line.rule]?.[line.transition] ?? {};
      return [
        user.id,
        { ...line, ...(to !== undefined && { to }), ...(team && { team }), count, ...(ids && { items: ids }) },
      ];
    });
  });
