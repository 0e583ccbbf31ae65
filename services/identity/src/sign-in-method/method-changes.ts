import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type SignInMethod } from '#libs/contracts';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { SecurityMails } from '../mail/security-mails.js';
import { Proofs } from '../session/proofs.js';
import { policyAsksForSecondFactor } from '../session/second-factor-rule.js';
import { Sessions } from '../session/sessions.js';
import { UserRows, type UserRow } from '../user/user-rows.js';
import { RecoveryCodes } from './recovery-codes.js';

type Detail = Record<string, string>;

interface WaysIn {
  /** A password, or a link to the account's identity provider. */
  other: boolean;
  passkeys: number;
  totp: boolean;
}

/** What every change of the own sign-in methods has in common. In the caller's transaction. */
@Injectable()
export class MethodChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly proofs: Proofs,
    private readonly sessions: Sessions,
    private readonly recoveryCodes: RecoveryCodes,
    private readonly mails: SecurityMails,
    private readonly audit: Audit,
  ) {}

  /**
   * Locks and returns the user.
   * @throws Problem `step-up-required`; `unauthenticated` if the user has left or is suspended
   */
  async begin(principal: Principal): Promise<UserRow> {
    const { accountId, userId } = principal;
    await this.users.lock([userId], 'change');
    const user = await this.users.get(accountId, userId);
    if (user.status !== 'active' || user.suspended_at !== null) throw new Problem('unauthenticated');
    await this.proofs.require(principal);
    return user;
  }

  /**
   * A session that could only set up a second factor can do everything from now on: its access tokens end, and the next ones say
   * so. The only place that knows of new sign-in methods.
   * @returns recovery codes, if the user had none
   */
  async added(
    principal: Principal,
    method: SignInMethod,
    action: string,
    detail?: Detail,
  ): Promise<{ recoveryCodes?: string[] }> {
    const { userId, secondFactorMissing } = principal;
    await this.record(principal, action, detail);
    await this.mails.signInMethodAdded(userId, method);
    if (secondFactorMissing) await this.sessions.renewClaims([userId]);
    if ((await this.recoveryCodes.countLeft(userId)) > 0) return {};
    return { recoveryCodes: await this.recoveryCodes.replace(userId) };
  }

  /** @throws Problem `conflict` if it was the last way in, or the policy asks for a second factor and it was the last one */
  async removed(principal: Principal, method: SignInMethod, action: string, detail?: Detail): Promise<void> {
    const { userId } = principal;
    const { other, passkeys, totp } = await this.waysIn(userId);
    if (!other && passkeys === 0)
      throw new Problem('conflict', {
        detail: 'This is your only way to sign in. Set a password or add a passkey first.',
      });
    if (passkeys === 0 && !totp) {
      if (await policyAsksForSecondFactor(this.em, userId))
        throw new Problem('conflict', { detail: 'The policy asks for a second factor. Set up another one first.' });
      await this.recoveryCodes.removeAll(userId);
    }
    await this.mails.signInMethodRemoved(userId, method);
    await this.record(principal, action, detail);
  }

  async recoveryCodesReplaced(principal: Principal): Promise<void> {
    await this.mails.signInMethodAdded(principal.userId, 'recovery-codes');
    await this.record(principal, 'recovery-codes.replaced');
  }

  private async record({ accountId, userId }: Principal, action: string, detail?: Detail): Promise<void> {
    await this.audit.append([{ accountId, action, actorId: userId, subjectId: userId, ...(detail && { detail }) }]);
  }

  private async waysIn(userId: string): Promise<WaysIn> {
    const { rows } = await sql<WaysIn>`
      select password_hash is not null or exists (select from sso_link where user_id = u.id) as other,
        (select count(*)::int from passkey where user_id = u.id) as passkeys,
        exists (select from totp where user_id = u.id and confirmed_at is not null) as totp
      from users u where id = ${userId}`.execute(this.em.getKysely());
    return rows[0]!;
  }
}
