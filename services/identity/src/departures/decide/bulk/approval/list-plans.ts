import { Injectable } from '@nestjs/common';
import type { ActionInput, ApprovalReason, Approvals, LeavingTransition } from '#libs/contracts';
import { createHash } from 'node:crypto';
import { Planner, rulesFor } from '../../../plan/planner.js';
import { PlanTokens } from '../../../plan/token/plan-token.js';
import { approvalReasons } from '../../approval/approval-reasons.js';

export interface ListChoices {
  transition: LeavingTransition;
  overrides?: Record<string, ActionInput>;
}

/** What the policy does with a whole list. Successors only take from what is destroyed, so they do not count. */
@Injectable()
export class ListPlans {
  constructor(
    private readonly planner: Planner,
    private readonly tokens: PlanTokens,
  ) {}

  /** Why a list of so many users needs an approval. */
  async reasons(
    accountId: string,
    { transition, overrides }: ListChoices,
    users: number,
  ): Promise<{ neededFor: ApprovalReason[]; approvals: Approvals }> {
    const basis = await this.planner.basis(accountId);
    const { catalogue, policy } = basis;
    const plan = { transition, catalogue, ...rulesFor(basis, transition, { overrides }) };
    return {
      neededFor: approvalReasons(policy.approvals, { plan, by: 'manager', users }),
      approvals: policy.approvals,
    };
  }

  /** Binds a list to what the present policy does with it. */
  async tokenOf(accountId: string, id: string, choices: ListChoices): Promise<string> {
    return this.tokens.issue({ facts: await this.factsOf(accountId, id, choices) });
  }

  async isCurrent(token: string, accountId: string, id: string, choices: ListChoices): Promise<boolean> {
    return this.tokens.read(token)?.facts === (await this.factsOf(accountId, id, choices));
  }

  private async factsOf(accountId: string, id: string, { transition, overrides }: ListChoices): Promise<string> {
    const basis = await this.planner.basis(accountId);
    const { rules } = rulesFor(basis, transition, { overrides });
    const digest = createHash('sha256')
      .update(JSON.stringify([rules, basis.retentionDays]))
      .digest('base64url');
    return `waiting-list:${id}:${digest}`;
  }
}
