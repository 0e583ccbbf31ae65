import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type PreviewLine, type Role, type Transition } from '#libs/contracts';
import { lockAccount } from '../account/account-lock.js';
import { alreadyScheduled, Schedule } from '../schedule/schedule.js';
import { assertMayManage, mayManage } from '../user/actors.js';
import { UserRows, type UserRow } from '../user/user-rows.js';
import { resolvedPolicy } from './clearance.js';
import { Decisions } from './decisions.js';
import { assertMaySucceed, Guards } from './guards.js';
import { Overtaken } from './overtaken.js';
import { planOf, Planner, type Basis, type Plan, type PlanRequest } from './planner.js';
import { blockingRules, RuleOwners } from './rule-owners.js';

/** Questions to other services at the same time. */
const TOGETHER = 20;

export interface Wish extends PlanRequest {
  userId: string;
  reason?: string;
  returnAt?: string;
  /** The scheduled departure that is carried out now. */
  departureId?: string;
}

/** What became of a wish: a departure, or the problem with which a guard has refused it. */
export interface Verdict<W extends Wish = Wish> {
  wish: W;
  departureId?: string;
  problem?: Problem;
}

export interface Group<W extends Wish = Wish> {
  accountId: string;
  transition: Transition;
  wishes: readonly W[];
  requestedBy: string;
  /** What the requester was when asking; left out where that has been checked. */
  rolesThen?: readonly Role[];
  /** What the requester is now; nothing when they have left. */
  rolesNow: readonly Role[];
  /** Whoever is to leave by the same request can't take over. Left out where successors have been checked. */
  leavers?: ReadonlySet<string>;
  /** On a later day, in ISO 8601. */
  effectiveAt?: string;
}

/** By user: what was asked of other services before anything was locked, and about which rules. */
export type Foreseen = ReadonlyMap<string, { rules: string; blocked: PreviewLine[] }>;

interface Accepted<W extends Wish> {
  wish: W;
  plan: Plan;
}

/** Decides about many people of one account in one transaction. One who is refused does not stop the others. */
@Injectable()
export class GroupDecisions {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly owners: RuleOwners,
    private readonly guards: Guards,
    private readonly decisions: Decisions,
    private readonly schedule: Schedule,
  ) {}

  /** @throws Problem `service-unavailable` naming a service that does not answer */
  async foresee({
    accountId,
    transition,
    wishes,
    effectiveAt,
  }: Omit<Group, 'rolesNow' | 'requestedBy'>): Promise<Foreseen> {
    const foreseen = new Map<string, { rules: string; blocked: PreviewLine[] }>();
    if (effectiveAt !== undefined) return foreseen;
    const basis = await this.planner.basis(accountId);
    const users = await this.people(accountId, wishes);
    const plans = wishes.flatMap((wish) => foreseeable(basis, users.get(wish.userId), transition, wish));
    for (let from = 0; from < plans.length; from += TOGETHER) {
      await Promise.all(
        plans.slice(from, from + TOGETHER).map(async (plan) => {
          const blocked = await this.owners.blocking(plan);
          foreseen.set(plan.user.id, { rules: JSON.stringify(plan.rules), blocked });
        }),
      );
    }
    return foreseen;
  }

  /** Locks the account, and then the people, for a decision in the same transaction. */
  async lock(accountId: string, wishes: readonly Wish[]): Promise<void> {
    await lockAccount(this.em, accountId);
    await this.users.lock(
      wishes.map((wish) => wish.userId),
      'leave',
    );
  }

  /**
   * In the caller's transaction, which holds the locks.
   * @throws Overtaken when the policy is another one than was foreseen
   */
  async decide<W extends Wish>(group: Group<W>, foreseen: Foreseen): Promise<Verdict<W>[]> {
    const { accountId, wishes } = group;
    const basis = await this.planner.basis(accountId);
    const users = await this.people(accountId, wishes);
    const named = wishes.flatMap((wish) => Object.values(wish.successors ?? {}));
    const active = group.leavers ? await this.guards.holdActive(accountId, named) : undefined;
    const scheduled = group.effectiveAt ? await this.schedule.leaving([...users.keys()]) : new Set<string>();
    const accepted: Accepted<W>[] = [];
    const verdicts: Verdict<W>[] = [];
    for (const wish of wishes) {
      try {
        const user = users.get(wish.userId);
        if (!user) throw new Problem('unknown-user', { detail: 'There is no such user.' });
        if (group.rolesThen) assertMayManage(group.rolesThen, user.roles);
        const plan = planOf(basis, user, group.transition, wish);
        const leaving = accepted.map((one) => one.wish.userId);
        if (group.effectiveAt) await this.guards.passForLater(plan, leaving);
        else await this.guards.pass(plan, blockedIn(foreseen, plan), leaving);
        if (active) assertMaySucceed(plan.successors, active, group.leavers!);
        if (scheduled.has(user.id)) throw alreadyScheduled();
        accepted.push({ wish, plan });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        verdicts.push({ wish, problem: error });
      }
    }
    return [...verdicts, ...(await this.settle(group, accepted))];
  }

  private async settle<W extends Wish>(group: Group<W>, accepted: readonly Accepted<W>[]): Promise<Verdict<W>[]> {
    if (accepted.length === 0) return [];
    const { accountId, transition, requestedBy, effectiveAt } = group;
    if (effectiveAt !== undefined) {
      const leavers = accepted.map(({ wish: { userId, reason, returnAt, successors, overrides } }) => ({
        userId,
        reason,
        returnAt,
        wishes: { successors, overrides },
      }));
      const ids = await this.schedule.leave({ accountId, transition, requestedBy, effectiveAt }, leavers);
      return accepted.map(({ wish }, index) => ({ wish, departureId: ids[index]! }));
    }
    const byRight = Map.groupBy(accepted, ({ plan }) => mayManage(group.rolesNow, plan.user.roles));
    const verdicts: Verdict<W>[] = [];
    for (const [entitled, its] of byRight) {
      const decided = its.map(({ wish: { reason, returnAt, departureId }, plan }) => ({
        user: plan.user,
        policy: resolvedPolicy(plan),
        reason,
        returnAt,
        departureId,
      }));
      const ids = await this.decisions.carryOut(transition, decided, requestedBy, { onBehalf: !entitled });
      verdicts.push(...its.map(({ wish }, index) => ({ wish, departureId: ids[index]! })));
    }
    return verdicts;
  }

  private async people(accountId: string, wishes: readonly Wish[]): Promise<Map<string, UserRow>> {
    const rows = await this.users.byIds(wishes.map((wish) => wish.userId));
    return new Map(rows.filter((row) => row.account_id === accountId).map((row) => [row.id, row]));
  }
}

/** The plan, if some rule may stand in its way. What is wrong with it is said when it is decided. */
function foreseeable(basis: Basis, user: UserRow | undefined, transition: Transition, wish: Wish): Plan[] {
  if (!user) return [];
  try {
    const plan = planOf(basis, user, transition, wish);
    return blockingRules(plan).length > 0 ? [plan] : [];
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}

function blockedIn(foreseen: Foreseen, plan: Plan): PreviewLine[] {
  if (blockingRules(plan).length === 0) return [];
  const known = foreseen.get(plan.user.id);
  if (known?.rules !== JSON.stringify(plan.rules)) throw new Overtaken();
  return known.blocked;
}
