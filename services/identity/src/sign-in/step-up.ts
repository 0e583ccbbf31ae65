import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal } from '#libs/contracts';
import { sql } from 'kysely';
import { Passwords } from '../password/passwords.js';
import { Proofs } from '../session/proofs.js';
import { mustUseSso } from '../sso/must-use-sso.js';

/** Proves again who the user of a session is. */
@Injectable()
export class StepUp {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly proofs: Proofs,
  ) {}

  /**
   * @returns until when the proof counts
   * @throws Problem `invalid-credentials`; `sso-required` if a password counts for nothing in the account; `step-up-required` for a
   *   caller without a session
   */
  async prove(principal: Principal, password: string): Promise<Date> {
    const { rows } = await sql<{ password_hash: string | null; must_use_sso: boolean }>`
      select password_hash, ${mustUseSso} as must_use_sso from users u
      where id = ${principal.userId} and status = 'active' and suspended_at is null`.execute(this.em.getKysely());
    if (!(await this.passwords.matches(password, rows[0]?.password_hash)))
      throw new Problem('invalid-credentials', { detail: 'This is not your password.' });
    if (rows[0]?.must_use_sso) throw new Problem('sso-required');
    return this.proofs.record(principal);
  }
}
