import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Principal, ResentInvitation } from '#libs/contracts';
import { sql } from 'kysely';
import { actorOf, Audit } from '../audit/audit.js';
import { lockAccount } from '../common/account-lock.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { UserRows } from '../user/user-rows.js';
import { Invitations } from './invitations.js';
import { SentInvitations, type SentInvitationRow } from './sent-invitations.js';

/** What managers do with invitations that have not been accepted. */
@Injectable()
export class InvitationChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly sent: SentInvitations,
    private readonly invitations: Invitations,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly audit: Audit,
  ) {}

  /**
   * Replaces the invitation by a new one to the same user, who takes a seat again if a revocation has freed it.
   * @throws Problem `not-found`, `gone`, `forbidden`, `no-free-seat`
   */
  async resend(principal: Principal, id: string): Promise<ResentInvitation> {
    const { accountId } = principal;
    const { user_id: userId, email } = await this.lock(principal, id);
    const { token } = await this.invitations.inviteAgain(accountId, userId, email, actorOf(principal).actorId);
    await this.record(principal, userId, 'invitation.resent');
    return { ...(await this.sent.viewOfUser(accountId, userId)), ...(token && { token }) };
  }

  /**
   * Ends the invitation and frees the seat. The user stays invited, and can be invited again or deleted.
   * @throws Problem `not-found`, `gone`, `forbidden`
   */
  async revoke(principal: Principal, id: string): Promise<void> {
    const { user_id: userId, seat_taken: hasSeat, status } = await this.lock(principal, id);
    if (!hasSeat && status === 'revoked') return;
    await this.invitations.revokeSentTo([userId]);
    await sql`update users set seat_taken = false where id = ${userId}`.execute(this.em.getKysely());
    await this.record(principal, userId, 'invitation.revoked');
  }

  /** Locks the account, because of its seats, and the user, so that nobody accepts or changes the invitation. */
  private async lock(principal: Principal, id: string): Promise<SentInvitationRow> {
    const { accountId } = principal;
    const { user_id: userId } = await this.sent.get(accountId, id);
    await lockAccount(this.em, accountId);
    const roles = await this.actors.rolesOf(principal);
    await this.users.lock([userId], 'change');
    const invitation = await this.sent.get(accountId, id);
    assertMayManage(roles, invitation.roles);
    return invitation;
  }

  private record(principal: Principal, subjectId: string, action: string): Promise<void> {
    return this.audit.append([{ accountId: principal.accountId, action, ...actorOf(principal), subjectId }]);
  }
}
