import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal } from '#libs/contracts';
import { sql } from 'kysely';
import { actorOf, Audit } from '../audit/audit.js';
import { Passkeys } from './passkey/passkeys.js';
import { Proofs } from '../session/proofs.js';
import { Sessions } from '../session/sessions.js';
import { RecoveryCodes } from './recovery-codes.js';
import { Totps } from './totps.js';

/** Removes the second factors of others, who have lost their phone. In the caller's transaction. */
@Injectable()
export class SignInMethodResets {
  constructor(
    private readonly em: EntityManager,
    private readonly proofs: Proofs,
    private readonly sessions: Sessions,
    private readonly passkeys: Passkeys,
    private readonly totps: Totps,
    private readonly recoveryCodes: RecoveryCodes,
    private readonly audit: Audit,
  ) {}

  /**
   * The caller has locked the user, and checked that the principal may manage them. Their sessions end; the password stays.
   * @throws Problem `step-up-required`; `forbidden` for the principal's own user
   */
  async reset(principal: Principal, userId: string): Promise<void> {
    if (principal.userId === userId)
      throw new Problem('forbidden', { detail: 'Another owner or admin has to reset your own second factor.' });
    await this.proofs.require(principal);
    await this.sessions.endAll([userId]);
    const passkeys = await this.passkeys.removeAll(userId);
    const totp = await this.totps.remove(userId);
    await this.recoveryCodes.removeAll(userId);
    await sql`delete from sign_in_challenge where user_id = ${userId}`.execute(this.em.getKysely());
    await sql`delete from code_guess where user_id = ${userId}`.execute(this.em.getKysely());
    const { accountId } = principal;
    const detail = { passkeys, totp };
    await this.audit.append([
      { accountId, action: 'sign-in-methods.reset', ...actorOf(principal), subjectId: userId, detail },
    ]);
  }
}
