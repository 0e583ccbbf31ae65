import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  isManager,
  Problem,
  type ActionInput,
  type AppliedTransition,
  type NamedSuccessors,
  type Policy,
  type PolicyChoices,
  type ResolvedRules,
  type RuleDescription,
  type Telling,
  type Transition,
} from '#libs/contracts';
import { sql } from 'kysely';
import { Catalogue } from '../../catalogue/catalogue.js';
import { checkChoice, checkOverrides, ruleOf } from '../../policy/choices.js';
import { PolicyService } from '../../policy/policy.service.js';
import { resolve } from '../../policy/resolve.js';
import { UserRows, type UserRow } from '../../user/user-rows.js';

/** The inputs that all plans of an account share. */
export interface Basis {
  policy: Policy;
  retentionDays: number;
  catalogue: readonly RuleDescription[];
}

/** A departure as it would be decided now. */
export interface Plan extends Basis {
  transition: AppliedTransition;
  user: UserRow;
  /** A deletion applies the rules of a deactivation first. */
  steps: AppliedTransition[];
  wasManager: boolean;
  /** The resolved rules without the request. */
  byPolicy: ResolvedRules;
  /** The resolved rules with the request's overrides and successors. */
  rules: ResolvedRules;
  successors: NamedSuccessors;
  tellContacts?: Telling;
}

export interface PlanRequest {
  successors?: NamedSuccessors;
  overrides?: Record<string, ActionInput>;
  tellContacts?: Telling;
}

/** What a user who stays hands over, and to whom. */
interface HandedOver {
  rules: readonly string[];
  to?: string;
}

/** Makes the plan of a departure from the policy and the request. */
@Injectable()
export class Planner {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly policies: PolicyService,
    private readonly catalogue: Catalogue,
  ) {}

  /** @throws Problem `not-found`; for an invalid request `unknown-rule`, `invalid-action`, `validation` */
  async plan(accountId: string, userId: string, transition: Transition, request: PlanRequest = {}): Promise<Plan> {
    const user = await this.users.get(accountId, userId);
    return planOf(await this.basis(accountId), user, transition, request);
  }

  /**
   * The plan of a reassignment: the policy decides nothing.
   * @throws Problem `not-found`, `unknown-rule`, or `invalid-action` naming the rules that cannot be handed over
   */
  async planReassignment(accountId: string, userId: string, { rules, to }: HandedOver): Promise<Plan> {
    const user = await this.users.get(accountId, userId);
    const basis = await this.basis(accountId);
    const resolved = handedOver(basis.catalogue, { rules, to });
    const successors: NamedSuccessors = to === undefined ? {} : { default: to };
    const steps: AppliedTransition[] = ['reassigned'];
    return {
      ...basis,
      ...{ transition: 'reassigned', user, steps, wasManager: isManager(user) },
      ...{ byPolicy: resolved, rules: resolved, successors },
    };
  }

  /**
   * The plan as if this policy were saved. `byPolicy` is what the saved policy does.
   * @throws Problem like `plan`, also for the policy
   */
  async planUnder(
    draft: PolicyChoices,
    [accountId, userId]: readonly [accountId: string, userId: string],
    transition: Transition,
    request: PlanRequest,
  ): Promise<Plan> {
    const user = await this.users.get(accountId, userId);
    const basis = await this.basis(accountId);
    const { byPolicy } = planOf(basis, user, transition, request);
    if (draft.overrides) checkOverrides(basis.catalogue, draft.overrides);
    const { preset = basis.policy.preset, overrides = basis.policy.overrides } = draft;
    const policy = { ...basis.policy, preset, overrides };
    return { ...planOf({ ...basis, policy }, user, transition, request), byPolicy };
  }

  /** The rules of all services. */
  catalogueOf(): Promise<readonly RuleDescription[]> {
    return this.catalogue.rules();
  }

  async basis(accountId: string): Promise<Basis> {
    return {
      policy: await this.policies.get(accountId),
      catalogue: await this.catalogue.rules(),
      retentionDays: await this.retentionDays(accountId),
    };
  }

  private async retentionDays(accountId: string): Promise<number> {
    const { rows } = await sql<{ retention_days: number }>`
      select retention_days from account where id = ${accountId}`.execute(this.em.getKysely());
    return rows[0]?.retention_days ?? 0;
  }
}

/** @throws Problem `unknown-rule`, `invalid-action` or `validation` */
export function planOf(basis: Basis, user: UserRow, transition: Transition, request: PlanRequest = {}): Plan {
  const { catalogue } = basis;
  checkRequest(catalogue, transition, request);
  const { successors = {}, overrides = {}, tellContacts } = request;
  const steps = stepsOf(transition);
  return {
    ...basis,
    transition,
    user,
    steps,
    wasManager: isManager(user),
    ...rulesFor(basis, transition, { overrides, successors, managerId: user.manager_id }),
    successors,
    ...(tellContacts && { tellContacts }),
  };
}

/** The rules of a departure of anybody, by the policy and with this request. */
export function rulesFor(
  { catalogue, policy }: Basis,
  transition: Transition,
  request: PlanRequest & { managerId?: string | null },
): Pick<Plan, 'byPolicy' | 'rules'> {
  const steps = stepsOf(transition);
  return {
    byPolicy: resolve(catalogue, policy, { steps }),
    rules: resolve(catalogue, policy, { steps, ...request }),
  };
}

/** @throws Problem `unknown-rule`, `invalid-action` or `validation` for overrides or successors that the transition does not allow */
export function checkRequest(
  catalogue: readonly RuleDescription[],
  transition: Transition,
  { successors = {}, overrides = {} }: PlanRequest,
): void {
  const steps = stepsOf(transition);
  for (const [id, input] of Object.entries(overrides)) checkChoice(ruleOf(catalogue, id), steps, input);
  for (const id of Object.keys(successors)) if (id !== 'default') checkHasSuccessor(ruleOf(catalogue, id), steps);
}

const stepsOf = (transition: Transition): Transition[] =>
  transition === 'deleted' ? ['deactivated', 'deleted'] : [transition];

/** @throws Problem `unknown-rule`, `invalid-action` */
function handedOver(catalogue: readonly RuleDescription[], { rules, to }: HandedOver): ResolvedRules {
  const named = [...new Set(rules)].map((id) => ruleOf(catalogue, id));
  const unfit = named.filter(({ handOver }) => !handOver).map(({ id }) => id);
  if (unfit.length > 0) {
    const valid = catalogue.filter(({ handOver }) => handOver).map(({ id }) => id);
    throw new Problem('invalid-action', { detail: `These rules cannot be handed over: ${unfit.join(', ')}.`, valid });
  }
  return Object.fromEntries(
    named.map(({ id, handOver }) => [id, { reassigned: { ...handOver!, ...(to !== undefined && { to }) } }]),
  );
}

/** @throws Problem `invalid-action` for a rule that has no successor */
function checkHasSuccessor(rule: RuleDescription, steps: readonly Transition[]): void {
  const allowed = steps.flatMap((step) => rule.transitions[step]?.allowed ?? []);
  if (!rule.fixed && allowed.some((action) => action === 'transfer' || action === 'replace')) return;
  throw new Problem('invalid-action', {
    detail: `The rule ${rule.id} has no successor.`,
    valid: rule.fixed ? [] : [...new Set(allowed)],
  });
}
