import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  isManager,
  Problem,
  type ActionInput,
  type NamedSuccessors,
  type Policy,
  type ResolvedRules,
  type RuleDescription,
  type Transition,
} from '#libs/contracts';
import { sql } from 'kysely';
import { Catalogue } from '../policy/catalogue.js';
import { checkChoice, ruleOf } from '../policy/choices.js';
import { PolicyService } from '../policy/policy.service.js';
import { resolve } from '../policy/resolve.js';
import { UserRows, type UserRow } from '../user/user-rows.js';

/** What a departure would be, as things stand. */
export interface Plan {
  transition: Transition;
  user: UserRow;
  policy: Policy;
  retentionDays: number;
  catalogue: readonly RuleDescription[];
  /** A deletion first applies what a deactivation does. */
  steps: Transition[];
  wasManager: boolean;
  /** What the policy alone says. */
  byPolicy: ResolvedRules;
  /** What the request makes of it. */
  rules: ResolvedRules;
  successors: NamedSuccessors;
}

export interface PlanRequest {
  successors?: NamedSuccessors;
  overrides?: Record<string, ActionInput>;
}

/** Works out what is to happen in a departure, from the policy and the request. */
@Injectable()
export class Planner {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly policies: PolicyService,
    private readonly catalogue: Catalogue,
  ) {}

  /** @throws Problem `not-found`, or what is wrong with the request: `unknown-rule`, `invalid-action`, `validation` */
  async plan(accountId: string, userId: string, transition: Transition, request: PlanRequest = {}): Promise<Plan> {
    const user = await this.users.get(accountId, userId);
    const policy = await this.policies.get(accountId);
    const catalogue = await this.catalogue.rules();
    const steps: Transition[] = transition === 'deleted' ? ['deactivated', 'deleted'] : ['deactivated'];
    const { successors = {}, overrides = {} } = request;
    for (const [id, input] of Object.entries(overrides)) checkChoice(ruleOf(catalogue, id), steps, input);
    for (const id of Object.keys(successors)) if (id !== 'default') checkGives(ruleOf(catalogue, id), steps);
    return {
      transition,
      user,
      policy,
      retentionDays: await this.retentionDays(accountId),
      catalogue,
      steps,
      wasManager: isManager(user),
      byPolicy: resolve(catalogue, policy, { steps }),
      rules: resolve(catalogue, policy, { steps, overrides, successors }),
      successors,
    };
  }

  private async retentionDays(accountId: string): Promise<number> {
    const { rows } = await sql<{ retention_days: number }>`
      select retention_days from account where id = ${accountId}`.execute(this.em.getKysely());
    return rows[0]?.retention_days ?? 0;
  }
}

/** @throws Problem `invalid-action` for a rule by which nobody takes over */
function checkGives(rule: RuleDescription, steps: readonly Transition[]): void {
  const allowed = steps.flatMap((step) => rule.transitions[step]?.allowed ?? []);
  if (!rule.fixed && allowed.some((action) => action === 'transfer' || action === 'replace')) return;
  throw new Problem('invalid-action', {
    detail: `Nobody takes over by ${rule.id}.`,
    valid: rule.fixed ? [] : [...new Set(allowed)],
  });
}
