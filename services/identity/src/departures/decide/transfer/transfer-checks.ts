import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { foldCase, Problem, type Principal, type UserTransfer } from '#libs/contracts';
import { lockAccount } from '../../../common/account-lock.js';
import { Actors, assertMayManage } from '../../../user/actors.js';
import { assertOwnerRemains } from '../../../user/sole-owner.js';
import { UserRows, type UserRow } from '../../../user/user-rows.js';
import { Refusals } from '../../plan/refusals.js';
import { ScheduledSteps } from '../../store/scheduled/scheduled-steps.js';

/** Decides whether another person may take a user over. */
@Injectable()
export class TransferChecks {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly refusals: Refusals,
    private readonly scheduled: ScheduledSteps,
  ) {}

  /**
   * Locks the account and the user. Of two concurrent transfers of one user, the second is refused.
   * @returns the user before the transfer
   * @throws Problem `not-found`, `forbidden`, `conflict`, `legal-hold`, `sole-owner`, `duplicate-email`
   */
  async lock(principal: Principal, userId: string, to: UserTransfer): Promise<UserRow> {
    const { accountId } = principal;
    const seen = await this.users.get(accountId, userId);
    assertMayManage(principal.roles, seen.roles);
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const user = await this.users.get(accountId, userId);
    assertMayManage(await this.actors.rolesOf(principal), user.roles);
    if (user.seq !== seen.seq)
      throw new Problem('conflict', { detail: 'The user has been changed by another request. Read it again.' });
    if (user.status !== 'active' && user.status !== 'invited')
      throw new Problem('conflict', { detail: `The user is ${user.status} and cannot be transferred.` });
    await this.refusals.recording(principal, { user, transition: 'transferred' }, () => this.guard(user));
    const scheduled = Object.values(await this.scheduled.ofUser(userId)).map(({ id }) => id);
    if (scheduled.length > 0)
      throw new Problem('conflict', {
        detail: 'What is scheduled for this user was decided about another person. Cancel it first.',
        items: scheduled,
      });
    if (user.email && foldCase(user.email) === foldCase(to.email))
      throw new Problem('duplicate-email', { detail: 'This is the user’s current email address.' });
    return user;
  }

  private async guard({ id, account_id: accountId, status, roles, legal_hold: held }: UserRow): Promise<void> {
    if (held) throw new Problem('legal-hold', { detail: 'Lift the legal hold first.' });
    const ownsAccount = status === 'active' && roles.includes('owner');
    if (ownsAccount) await assertOwnerRemains(this.em, accountId, [id]);
  }
}
