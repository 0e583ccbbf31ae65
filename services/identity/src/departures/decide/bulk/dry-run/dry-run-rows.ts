import { Injectable } from '@nestjs/common';
import {
  PREVIEWS_LISTED,
  Problem,
  type ActionInput,
  type DryRunTotal,
  type LeavingTransition,
  type NamedSuccessors,
  type PreviewBlocker,
  type PreviewLine,
  type Role,
} from '#libs/contracts';
import { assertMayManage } from '../../../../user/actors.js';
import { UserRows, type UserRow } from '../../../../user/user-rows.js';
import { GroupPreviews } from '../../../plan/group-previews.js';
import { Guards, returnToCallOff } from '../../../plan/guards/guards.js';
import { planOf, Planner, type Basis, type Plan, type PlanRequest } from '../../../plan/planner.js';
import { blockingRules, destroyingRules, standsInTheWay } from '../../../plan/rule-services.js';
import { assertMaySucceed, SuccessorChecks, type Candidates } from '../../../plan/guards/successor-checks.js';
import { factsOf } from '../../../plan/token/plan-token.js';
import { ScheduledSteps, type Scheduled } from '../../../store/scheduled/scheduled-steps.js';
import { changedRows, digestOf, totalsOf } from './dry-run-totals.js';

/** What applies to all rows of a list. */
export interface ListRequest {
  accountId: string;
  transition: LeavingTransition;
  /** ISO 8601. */
  effectiveAt?: string;
  /** The requester's. */
  roles: readonly Role[];
  successors?: NamedSuccessors;
  overrides?: Record<string, ActionInput>;
}

export interface RowToCount {
  n: number;
  userId: string;
  successors: NamedSuccessors;
}

export interface CountedRow {
  n: number;
  possible: boolean;
  blockers: PreviewBlocker[];
  totals: DryRunTotal[];
  /** Rows that would be changed. */
  count: number;
  digest: string;
}

interface Context {
  /** Everybody whom the list names. None of them can be a successor. */
  leavers: ReadonlySet<string>;
  /** Owners of earlier rows who can leave: the last owner cannot. */
  leavingOwners: readonly string[];
  /** Count only the rules that destroy or that can refuse a departure. */
  onlyBinding?: boolean;
}

/** A row for which no plan can be made. */
interface UnplannedRow {
  row: RowToCount;
  problem: Problem;
}

interface RequestedRow {
  row: RowToCount;
  request: PlanRequest;
  user: UserRow;
  plan: Plan;
}

/** Decides about the rows of a list as `GroupDecisions` would, and counts what they would change. Writes nothing. */
@Injectable()
export class DryRunRows {
  constructor(
    private readonly users: UserRows,
    private readonly planner: Planner,
    private readonly guards: Guards,
    private readonly successors: SuccessorChecks,
    private readonly steps: ScheduledSteps,
    private readonly previews: GroupPreviews,
  ) {}

  /** @throws Problem `service-unavailable` with the name of a service that does not answer */
  async count(list: ListRequest, rows: readonly RowToCount[], context: Context): Promise<CountedRow[]> {
    const basis = await this.planner.basis(list.accountId);
    const userIds = rows.map(({ userId }) => userId);
    const users = await this.users.ofAccount(list.accountId, userIds);
    const scheduled = await this.steps.of([...users.keys()]);
    const planned = rows.map((row) => planRow(basis, list, row, users.get(row.userId)));
    const requested = planned.flatMap((row) => ('plan' in row ? [row] : []));
    const plans = requested.map(({ plan }) => plan);
    const candidates = await this.successors.candidates(list.accountId, plans);
    const lines = await this.previews.of(plans, context.onlyBinding ? bindingRules : undefined);
    const leavingOwners = [...context.leavingOwners];
    const counted: CountedRow[] = [];
    for (const row of planned) {
      if (!('plan' in row)) {
        counted.push(refusedRow(row));
        continue;
      }
      const { id, roles } = row.user;
      const its = { lines: lines.get(id)!, scheduled: scheduled.get(id) ?? {}, leavingOwners };
      const blockers = await this.guardedBy(list, row, its);
      blockers.push(...successorsRefused(row, candidates, context.leavers));
      if (blockers.length === 0 && roles.includes('owner')) leavingOwners.push(id);
      counted.push(countedRow(row, blockers, its.lines));
    }
    return counted;
  }

  private async guardedBy(
    { transition, effectiveAt }: ListRequest,
    { plan, request }: RequestedRow,
    {
      lines,
      scheduled,
      leavingOwners,
    }: { lines: readonly PreviewLine[]; scheduled: Scheduled; leavingOwners: readonly string[] },
  ): Promise<PreviewBlocker[]> {
    if (effectiveAt !== undefined) return this.guards.blockersLater(plan, { effectiveAt, scheduled }, leavingOwners);
    if (transition === 'deactivated') {
      const back = attempt(() => returnToCallOff(plan.user, request, scheduled.reactivated));
      if (back instanceof Problem) return [blockerOf(back)];
      // The decision only calls off the return.
      if (back) return [];
    }
    const blocked = lines.filter((line) => standsInTheWay(plan, line));
    return this.guards.blockers(plan, blocked, leavingOwners);
  }
}

const bindingRules = (plan: Plan): string[] => [
  ...new Set([...destroyingRules(plan), ...blockingRules(plan).map(({ id }) => id)]),
];

function countedRow(
  { row, plan }: RequestedRow,
  blockers: readonly PreviewBlocker[],
  lines: readonly PreviewLine[],
): CountedRow {
  const totals = totalsOf(plan, lines);
  return {
    n: row.n,
    possible: blockers.length === 0,
    blockers: blockers.map(withFewItems),
    totals,
    count: changedRows(totals),
    digest: digestOf({ facts: factsOf(plan), codes: blockers.map(({ code }) => code), totals }),
  };
}

/** The row with its plan, or with the problem for which no plan can be made. */
function planRow(
  basis: Basis,
  list: ListRequest,
  row: RowToCount,
  user: UserRow | undefined,
): RequestedRow | UnplannedRow {
  if (!user) return { row, problem: new Problem('unknown-user', { detail: 'There is no such user.' }) };
  const request = { successors: { ...list.successors, ...row.successors }, overrides: list.overrides ?? {} };
  const plan = attempt(() => {
    assertMayManage(list.roles, user.roles);
    return planOf(basis, user, list.transition, request);
  });
  return plan instanceof Problem ? { row, problem: plan } : { row, request, user, plan };
}

function successorsRefused(
  { plan }: RequestedRow,
  candidates: Candidates,
  leavers: ReadonlySet<string>,
): PreviewBlocker[] {
  const refused = attempt(() => assertMaySucceed(plan, candidates, leavers));
  return refused instanceof Problem ? [blockerOf(refused)] : [];
}

/** A row that cannot leave for this reason, without counts. */
export function refusedRow({ row, problem }: { row: Pick<RowToCount, 'n'>; problem: Problem }): CountedRow {
  const digest = digestOf({ facts: '', codes: [problem.code], totals: [] });
  return { n: row.n, possible: false, blockers: [withFewItems(blockerOf(problem))], totals: [], count: 0, digest };
}

const blockerOf = ({ code, message, details }: Problem): PreviewBlocker => ({
  code,
  detail: message,
  items: details.items ?? [],
});

const withFewItems = (blocker: PreviewBlocker): PreviewBlocker => ({
  ...blocker,
  items: blocker.items.slice(0, PREVIEWS_LISTED),
});

function attempt<T>(work: () => T): T | Problem {
  try {
    return work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}
