import { Injectable } from '@nestjs/common';
import type { Principal } from '#libs/contracts';
import { actorOf, Audit } from '../audit/audit.js';
import { MailedLinks } from '../invitation/mailed-links.js';
import { Sessions } from '../session/sessions.js';
import { SignInMethodResets } from '../sign-in-method/sign-in-method-resets.js';
import { ManagedUsers } from './managed-users.js';

/** Ends what users are signed in with. All methods run in the caller's transaction. */
@Injectable()
export class Lockouts {
  constructor(
    private readonly managed: ManagedUsers,
    private readonly sessions: Sessions,
    private readonly links: MailedLinks,
    private readonly resets: SignInMethodResets,
    private readonly audit: Audit,
  ) {}

  /**
   * Ends all sessions of a user. API tokens stay valid.
   * @throws Problem `not-found`; `forbidden` if the caller may not manage the user
   */
  async endSessions(principal: Principal, userId: string): Promise<void> {
    await this.managed.lock(principal, userId, 'leave');
    await this.sessions.endAll([userId]);
    const { accountId } = principal;
    await this.audit.append([{ accountId, action: 'sessions.ended', ...actorOf(principal), subjectId: userId }]);
  }

  /**
   * Removes passkeys, authenticator app and recovery codes of a user, whose sessions end.
   * @throws Problem `not-found`; `forbidden` if the caller may not manage the user, and for the caller's own user; `step-up-required`
   */
  async resetSignInMethods(principal: Principal, userId: string): Promise<void> {
    await this.managed.lock(principal, userId, 'leave');
    await this.resets.reset(principal, userId);
  }

  /**
   * Ends all sessions, reset tokens and a pending change of the address, of which a thief may know. An invitation stays, because
   * the user has no other way in later.
   */
  async lockOut(userId: string): Promise<void> {
    await this.sessions.endAll([userId]);
    await this.links.endRequested([userId]);
  }
}
