import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import { Problem, type PreviewLine, type LeavingTransition } from '#libs/contracts';
import { UserRows, type UserRow } from '../../user/user-rows.js';
import { askedOf, type Prepared } from './preflight.js';
import { planOf, Planner, type Basis, type Plan, type PlanRequest } from './planner.js';
import { blockingRules, RuleServices } from './rule-services.js';

/** Concurrent requests to other services. */
const MAX_CONCURRENT_CALLS = 20;

export interface GroupMember extends PlanRequest {
  userId: string;
}

interface Group {
  accountId: string;
  transition: LeavingTransition;
  requests: readonly GroupMember[];
  /** On a later day, in ISO 8601. */
  effectiveAt?: string;
}

/** The answers of other services from before the locks, by user. */
export type PreparedBlockers = ReadonlyMap<string, Prepared>;

/** Asks the other services whether many people of one account may leave. */
@Injectable()
export class GroupPreflight {
  constructor(
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly owners: RuleServices,
  ) {}

  /**
   * Comes before the transaction that decides. For a later day no service is asked.
   * @throws Problem `service-unavailable` naming a service that does not answer
   */
  async prepare({ accountId, transition, requests, effectiveAt }: Group): Promise<PreparedBlockers> {
    const prepared = new Map<string, Prepared>();
    if (effectiveAt !== undefined) return prepared;
    const basis = await this.planner.basis(accountId);
    const users = await this.users.ofAccount(
      accountId,
      requests.map((request) => request.userId),
    );
    const plans = requests.flatMap((request) => plansToAsk(basis, users.get(request.userId), transition, request));
    for (let from = 0; from < plans.length; from += MAX_CONCURRENT_CALLS) {
      await Promise.all(
        plans.slice(from, from + MAX_CONCURRENT_CALLS).map(async (plan) => {
          const blocked = await this.owners.blocking(plan);
          prepared.set(plan.user.id, { asked: askedOf(plan), blocked });
        }),
      );
    }
    return prepared;
  }
}

/** The plan, if it has blocking rules. An invalid request is refused later, by the decision. */
function plansToAsk(
  basis: Basis,
  user: UserRow | undefined,
  transition: LeavingTransition,
  request: PlanRequest,
): Plan[] {
  if (!user) return [];
  try {
    const plan = planOf(basis, user, transition, request);
    return blockingRules(plan).length > 0 ? [plan] : [];
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

/** @returns `PREPARE_AGAIN` when the plan has changed since the other services were asked about it */
export function blockersOf(prepared: PreparedBlockers, plan: Plan): readonly PreviewLine[] | PrepareAgain {
  if (blockingRules(plan).length === 0) return [];
  const known = prepared.get(plan.user.id);
  return known?.asked === askedOf(plan) ? known.blocked : PREPARE_AGAIN;
}
