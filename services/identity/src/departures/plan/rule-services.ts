import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  affectedRowsOf,
  offeredOn,
  previewOf,
  proofOf,
  returnPreviewOf,
  rowsOf,
  type AffectedRowsRequest,
  type AppliedTransition,
  type PreviewLine,
  type PreviewRequest,
  type ProofAnswer,
  type ProofRequest,
  type Restore,
  type ReturnPreviewLine,
  type ReturnPreviewRequest,
  type RowPage,
  type RowsRequest,
  type RuleDescription,
  type UncountedService,
} from '#libs/contracts';
import { ServiceClient } from '#libs/broker';
import { Clock } from '#libs/database';
import { affectedRows, preview, previewedRows, proof, returnPreview, RuleSet } from '#libs/lifecycle';
import { answersOf } from '../../common/answering-services.js';
import type { UserRow } from '../../user/user-rows.js';
import type { Plan } from './planner.js';

/** Users per request. */
const AT_ONCE = 500;

type Asked<R> = Omit<R, keyof PreviewRequest>;

export type Broken = ProofAnswer['broken'][number];

/** Asks all services, including identity, for previews and proofs. */
@Injectable()
export class RuleServices {
  constructor(
    private readonly em: EntityManager,
    private readonly client: ServiceClient,
    private readonly rules: RuleSet,
    private readonly clock: Clock,
  ) {}

  /**
   * The preview lines of all services, in the order of the catalogue.
   * @param uncounted receives the services that do not answer and whose actions destroy nothing; without it, all have to answer
   * @param only these rules
   * @throws Problem `service-unavailable` with the name of a service that does not answer
   */
  async preview(
    plan: Plan,
    { uncounted, only }: { uncounted?: UncountedService[]; only?: string[] } = {},
  ): Promise<PreviewLine[]> {
    const services = new Set(concernedRules(plan, only).map((rule) => rule.service));
    const silence = { uncounted, isNeeded: (service: string) => destroys(plan, service) };
    const lines = (await answersOf(services, (service) => this.ask(service, plan, only), silence)).flat();
    return lines.sort(inOrderOf(plan));
  }

  /**
   * The lines with rows that stand in the way of the departure. Asks only the services that own rules of which that can be
   * so.
   * @throws Problem `service-unavailable` naming one that does not answer
   */
  async blocking(plan: Plan): Promise<PreviewLine[]> {
    const blocking = blockingRules(plan);
    const services = new Set(blocking.map((rule) => rule.service));
    const only = blocking.map((rule) => rule.id);
    const lines = (await answersOf(services, (service) => this.ask(service, plan, only))).flat();
    return lines.filter((line) => standsInTheWay(plan, line));
  }

  /**
   * What these services would restore if a deactivated user returned now.
   * @param uncounted receives those that do not answer
   */
  async returnPreview(
    services: readonly string[],
    { user, restore }: { user: UserRow; restore?: Restore },
    uncounted: UncountedService[],
  ): Promise<ReturnPreviewLine[]> {
    const { account_id: accountId, id: userId, lifecycle_version: version } = user;
    const request = { accountId, userId, lifecycleVersion: version + 1, ...(restore && { restore }) };
    return (await answersOf(services, (service) => this.askReturn(service, request), { uncounted })).flat();
  }

  /**
   * The proof of this service: rules of these users with rows left.
   * @throws Problem `service-unavailable`
   */
  async broken(service: string, users: ProofRequest['users']): Promise<Broken[]> {
    const broken: Broken[] = [];
    for (let from = 0; from < users.length; from += AT_ONCE) {
      const request = { users: users.slice(from, from + AT_ONCE) };
      const answer =
        service === this.rules.service
          ? await proof(this.em.fork().getKysely(), this.rules, request)
          : await this.client.ask(proofOf(service), request);
      broken.push(...answer.broken);
    }
    return broken;
  }

  private async askReturn(service: string, request: ReturnPreviewRequest): Promise<ReturnPreviewLine[]> {
    if (service !== this.rules.service) return this.client.ask(returnPreviewOf(service), request);
    return returnPreview(this.em.getKysely(), this.rules, request, { now: this.clock.now() });
  }

  /**
   * A page of the rows that a line of the preview counts.
   * @throws Problem `service-unavailable`, also if the service runs a version that does not answer this
   */
  async rows(service: string, plan: Plan, page: Asked<RowsRequest>): Promise<RowPage> {
    const request: RowsRequest = { ...requestOf(service, plan), ...page };
    if (service !== this.rules.service) return this.client.ask(rowsOf(service), request);
    return previewedRows(this.em.getKysely(), this.rules, request, this.clock.now());
  }

  /**
   * A page of the rows that a deactivation has affected.
   * @throws Problem `service-unavailable`, likewise
   */
  async affectedRows(service: string, request: AffectedRowsRequest): Promise<RowPage> {
    if (service !== this.rules.service) return this.client.ask(affectedRowsOf(service), request);
    return affectedRows(this.em.getKysely(), this.rules, request);
  }

  private ask(service: string, plan: Plan, only?: string[]): Promise<PreviewLine[]> {
    const request = requestOf(service, plan, only);
    if (service !== this.rules.service) return this.client.ask(previewOf(service), request);
    return preview(this.em.getKysely(), this.rules, request, this.clock.now());
  }
}

function requestOf(service: string, plan: Plan, only?: string[]): PreviewRequest {
  const own = new Set(plan.catalogue.filter((rule) => rule.service === service).map((rule) => rule.id));
  return {
    accountId: plan.user.account_id,
    userId: plan.user.id,
    steps: plan.steps,
    activeSince: plan.user.active_since,
    wasManager: plan.wasManager,
    rules: Object.fromEntries(Object.entries(plan.rules).filter(([id]) => own.has(id))),
    ...(only && { only: only.filter((id) => own.has(id)) }),
  };
}

/** The rules that do something in this plan. @param only of these; default: of all */
export const concernedRules = ({ catalogue, rules, steps }: Plan, only?: readonly string[]): RuleDescription[] =>
  catalogue.filter(({ id }) => steps.some((step) => rules[id]?.[step]) && only?.includes(id) !== false);

/** Sorts the lines of a preview by step, then as the catalogue lists the rules. */
export function inOrderOf({ catalogue, steps }: Plan): (one: PreviewLine, other: PreviewLine) => number {
  const position = new Map(catalogue.map(({ id }, index) => [id, index]));
  const order = steps as readonly string[];
  return (one, other) =>
    order.indexOf(one.transition) - order.indexOf(other.transition) ||
    (position.get(one.rule) ?? 0) - (position.get(other.rule) ?? 0);
}

/** The ids of the rules that take something in this plan that cannot be made again. */
export const destroyingRules = (plan: Plan): string[] => plan.catalogue.filter(isDestroying(plan)).map(({ id }) => id);

/** The ids of the rules of services that do not answer. */
export const rulesOfServices = (
  catalogue: readonly RuleDescription[],
  away: readonly UncountedService[],
): ReadonlySet<string> => {
  const services = new Set(away.map(({ service }) => service));
  return new Set(catalogue.filter(({ service }) => services.has(service)).map(({ id }) => id));
};

const destroys = (plan: Plan, service: string): boolean =>
  plan.catalogue.filter(isDestroying(plan)).some((rule) => rule.service === service);

const isDestroying =
  ({ rules }: Plan) =>
  (rule: RuleDescription): boolean =>
    Object.entries(rules[rule.id] ?? {}).some(
      ([transition, { action }]) =>
        offeredOn(rule, transition as AppliedTransition)?.destroys?.includes(action) === true,
    );

/** Rules that refuse the departure if there are rows. */
export const blockingRules = (plan: Plan): RuleDescription[] =>
  plan.catalogue.filter(({ id }) =>
    Object.entries(plan.rules[id] ?? {}).some(([transition, { action }]) =>
      refusesRows(plan, { rule: id, transition: transition as AppliedTransition, action }),
    ),
  );

/** Whether the line is one with which the departure is refused. */
export const standsInTheWay = (plan: Plan, line: PreviewLine): boolean => line.count > 0 && refusesRows(plan, line);

/**
 * `block` refuses any rows. What would be destroyed at once is refused under legal hold; what would be destroyed later
 * waits for the end of the hold.
 */
function refusesRows(plan: Plan, { rule, transition, action }: Pick<PreviewLine, 'rule' | 'transition' | 'action'>) {
  if (action === 'block') return true;
  if (!plan.user.legal_hold) return false;
  const described = plan.catalogue.find(({ id }) => id === rule);
  return described !== undefined && offeredOn(described, transition)?.destroysAtOnce?.includes(action) === true;
}
