import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type StepUp as StepUpProof } from '#libs/contracts';
import { sql } from 'kysely';
import { Passwords } from '../password/passwords.js';
import { Proofs } from '../session/proofs.js';
import { isGiven, SecondFactors } from '../sign-in-method/second-factors.js';
import { mustUseSso } from '../sso/must-use-sso.js';

/** Proves again who the user of a session is. */
@Injectable()
export class StepUp {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly factors: SecondFactors,
    private readonly proofs: Proofs,
  ) {}

  /**
   * Call it without a transaction, so that a wrong guess counts.
   * @returns until when the proof counts
   * @throws Problem `invalid-credentials`, `validation`; `second-factor-required` for the password of a user who has a second factor;
   *   `sso-required` if a password counts for nothing in the account; `too-many-requests`; `step-up-required` for a caller without a
   *   session
   */
  async prove(principal: Principal, given: StepUpProof): Promise<Date> {
    const methods = await this.factors.methodsOf(principal.userId);
    if (isGiven(given) && methods.length > 0)
      return this.factors.check(principal, given, () => this.proofs.record(principal));
    if (methods.length > 0) throw new Problem('second-factor-required', { methods });
    if (given.password === undefined) {
      const errors = [{ field: 'password', message: 'password must be given by a user without a second factor' }];
      throw new Problem('validation', { errors });
    }
    await this.checkPassword(principal, given.password);
    return this.em.transactional(() => this.proofs.record(principal));
  }

  private async checkPassword({ userId }: Principal, password: string): Promise<void> {
    const { rows } = await sql<{ password_hash: string | null; must_use_sso: boolean }>`
      select password_hash, ${mustUseSso} as must_use_sso from users u
      where id = ${userId} and status = 'active' and suspended_at is null`.execute(this.em.getKysely());
    if (!(await this.passwords.matches(password, rows[0]?.password_hash)))
      throw new Problem('invalid-credentials', { detail: 'This is not your password.' });
    if (rows[0]?.must_use_sso) throw new Problem('sso-required');
  }
}
