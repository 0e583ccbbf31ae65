import { Injectable } from '@nestjs/common';
import type { Invitation, Principal, TransferredUser, UserTransfer } from '#libs/contracts';
import { Invitations } from '../../../invitation/invitations.js';
import { PasswordResets } from '../../../password/password-resets.js';
import { UserQueries } from '../../../user/user-queries.js';
import type { UserRow } from '../../../user/user-rows.js';
import { resolvedPolicy } from '../../plan/preflight.js';
import { Decisions } from '../decisions.js';
import { FormerPerson } from './former-person.js';
import { TransferChecks } from './transfer-checks.js';
import { TransferEvents } from './transfer-events.js';

/**
 * Transfers a user to another person. Everything that names the user by id stays: number, inbox, history, roles. The decision
 * `transferred` ends what is the former person's own, in every service; personal data of the former person is erased, as by a
 * deletion.
 */
@Injectable()
export class Transfers {
  constructor(
    private readonly checks: TransferChecks,
    private readonly formerPerson: FormerPerson,
    private readonly events: TransferEvents,
    private readonly decisions: Decisions,
    private readonly invitations: Invitations,
    private readonly resets: PasswordResets,
    private readonly users: UserQueries,
  ) {}

  /**
   * Mails the new person a link to choose a password, or an invitation if the user had not accepted theirs.
   * @throws Problem `not-found`, `forbidden`, `conflict`, `legal-hold`, `sole-owner`, `duplicate-email`, `duplicate-staff-id`,
   *   `no-free-seat` if the user was invited and their invitation has been revoked
   */
  async transfer(principal: Principal, userId: string, to: UserTransfer): Promise<TransferredUser> {
    const plan = await this.checks.lock(principal, userId, to);
    await this.formerPerson.rename(userId, to);
    // Before the decision, whose own entries and event are about the new person.
    await this.formerPerson.erase(principal, userId);
    await this.events.publish(plan.user);
    const decision = { user: plan.user, policy: resolvedPolicy(plan), detail: { ...to } };
    const [departureId] = await this.decisions.apply('transferred', [decision], principal.userId);
    await this.formerPerson.deleteCredentials(userId);
    const invitation = await this.inviteOrReset(principal, plan.user, to.email);
    const user = await this.users.get(principal, userId);
    return { ...user, departureId: departureId!, ...(invitation && { invitation }) };
  }

  private async inviteOrReset(principal: Principal, former: UserRow, email: string): Promise<Invitation | undefined> {
    if (former.status === 'invited')
      return this.invitations.inviteAgain(former.account_id, former.id, email, principal.userId);
    await this.resets.send([{ id: former.id, email }]);
    return undefined;
  }
}
