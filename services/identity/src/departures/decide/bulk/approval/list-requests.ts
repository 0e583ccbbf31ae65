import { Injectable } from '@nestjs/common';
import { Problem, type ApprovalReason, type Principal } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Approvers } from '../../../../policy/approvers.js';
import { ApprovalStore } from '../../../store/approvals/approval-store.js';
import type { ReadBulk } from '../bulk-requests.js';
import { listedRows } from '../bulk-rows.js';
import { PlannedLists } from '../dry-run/planned-lists.js';
import { ListPlans } from './list-plans.js';

const DAY = 86_400_000;

export interface WantedApproval {
  neededFor: ApprovalReason[];
  days: number;
}

/** Has bulk departures wait for another manager if the account's policy wants that. */
@Injectable()
export class ListRequests {
  constructor(
    private readonly plans: ListPlans,
    private readonly planned: PlannedLists,
    private readonly store: ApprovalStore,
    private readonly approvers: Approvers,
    private readonly clock: Clock,
  ) {}

  /** Undefined for a list that needs no approval. @throws Problem `no-approver` */
  async wanted({ accountId, userId }: Principal, list: ReadBulk): Promise<WantedApproval | undefined> {
    const leavers = listedRows(list.rows).flatMap((row) => (row.fault ? [] : (row.userId ?? [])));
    const { neededFor, approvals } = await this.plans.reasons(accountId, list, leavers.length);
    if (neededFor.length === 0) return undefined;
    if (!(await this.approvers.exist(accountId, { without: [userId, ...leavers] })))
      throw new Problem('no-approver', {
        detail: 'This needs the approval of an owner or admin who stays, but the account has none.',
      });
    return { neededFor, days: approvals.days };
  }

  /** A list with the plan token of a dry run expires with it at the latest, because that is what the approval compares. */
  async add(
    { accountId, userId }: Principal,
    id: string,
    { transition, overrides, effectiveAt, planToken }: ReadBulk & { planToken?: string },
    { neededFor, days }: WantedApproval,
  ): Promise<{ expiresAt: Date }> {
    const latest = new Date(this.clock.millis() + days * DAY);
    const endOfDryRun = planToken && (await this.planned.expiryOf(accountId, planToken));
    const expiresAt = endOfDryRun && endOfDryRun < latest ? endOfDryRun : latest;
    await this.store.add(
      { id, accountId },
      {
        ...{ neededFor, expiresAt, requestedBy: userId, tokenCreatedBy: null, atOnce: effectiveAt === undefined },
        planToken: planToken ?? (await this.plans.tokenOf(accountId, id, { transition, overrides })),
      },
    );
    return { expiresAt };
  }
}
