import { Injectable } from '@nestjs/common';
import type { Invitation, InvitedUser, Principal, UserTransfer } from '#libs/contracts';
import { Audit } from '../../../audit/audit.js';
import { Invitations } from '../../../invitation/invitations.js';
import { PasswordResets } from '../../../password/password-resets.js';
import { UserQueries } from '../../../user/user-queries.js';
import type { UserRow } from '../../../user/user-rows.js';
import { FormerPerson } from './former-person.js';
import { TransferChecks } from './transfer-checks.js';
import { TransferEvents } from './transfer-events.js';

/**
 * Transfers a user to another person. Everything that names the user by id stays: number, inbox, history, roles. Personal
 * data of the former person is erased, as by a deletion.
 */
@Injectable()
export class Transfers {
  constructor(
    private readonly checks: TransferChecks,
    private readonly formerPerson: FormerPerson,
    private readonly events: TransferEvents,
    private readonly invitations: Invitations,
    private readonly resets: PasswordResets,
    private readonly audit: Audit,
    private readonly users: UserQueries,
  ) {}

  /**
   * Mails the new person a link to choose a password, or an invitation if the user had not accepted theirs.
   * @throws Problem `not-found`, `forbidden`, `conflict`, `legal-hold`, `sole-owner`, `duplicate-email`, `duplicate-staff-id`,
   *   `no-free-seat` if the user was invited and their invitation has been revoked
   */
  async transfer(principal: Principal, userId: string, to: UserTransfer): Promise<InvitedUser> {
    const former = await this.checks.lock(principal, userId, to);
    await this.formerPerson.replace(userId, to);
    await this.events.publish(userId);
    const invitation = await this.inviteOrReset(principal, former, to.email);
    const { accountId, userId: actorId } = principal;
    await this.audit.append([{ accountId, action: 'user.transferred', actorId, subjectId: userId, detail: { ...to } }]);
    const user = await this.users.get(principal, userId);
    return invitation ? { ...user, invitation } : user;
  }

  private async inviteOrReset(principal: Principal, former: UserRow, email: string): Promise<Invitation | undefined> {
    if (former.status === 'invited')
      return this.invitations.inviteAgain(former.account_id, former.id, email, principal.userId);
    await this.resets.send([{ id: former.id, email }]);
    return undefined;
  }
}
