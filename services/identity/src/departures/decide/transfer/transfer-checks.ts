import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { foldCase, Problem, type Principal, type UserTransfer } from '#libs/contracts';
import { lockAccount } from '../../../common/account-lock.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { UserRows } from '../../../user/user-rows.js';
import { Planner, type Plan } from '../../plan/planner.js';
import { Refusals } from '../../plan/guards/refusals.js';
import { TransferGuards } from '../../plan/guards/transfer-guards.js';

/** Decides whether another person may take a user over. */
@Injectable()
export class TransferChecks {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly planner: Planner,
    private readonly guards: TransferGuards,
    private readonly refusals: Refusals,
  ) {}

  /**
   * Locks the account and the user. Of two concurrent transfers of one user, the second is refused.
   * @returns the plan, with the user before the transfer
   * @throws Problem `not-found`, `forbidden`, `conflict`, `legal-hold`, `sole-owner`, `duplicate-email`
   */
  async lock(principal: Principal, userId: string, to: UserTransfer): Promise<Plan> {
    const { accountId } = principal;
    const seen = await this.users.get(accountId, userId);
    assertMayManage(principal.roles, seen.roles);
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const plan = await this.planner.plan(accountId, userId, 'transferred');
    const { user } = plan;
    assertMayManage(await this.actors.rolesOf(principal), user.roles);
    if (user.seq !== seen.seq)
      throw new Problem('conflict', { detail: 'The user has been changed by another request. Read it again.' });
    await this.refusals.recording(principal, plan, () => this.guards.assertAllowed(principal, user));
    if (user.email && foldCase(user.email) === foldCase(to.email))
      throw new Problem('duplicate-email', { detail: 'This is the user’s current email address.' });
    return plan;
  }
}
