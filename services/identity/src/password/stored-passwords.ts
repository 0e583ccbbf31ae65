import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal } from '#libs/contracts';
import { sql } from 'kysely';
import { StrongerProofs } from '../sign-in-method/stronger-proofs.js';
import { mustUseSso } from '../sso/must-use-sso.js';
import { Passwords } from './passwords.js';

/** The passwords that users have. */
@Injectable()
export class StoredPasswords {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly stronger: StrongerProofs,
  ) {}

  /**
   * @param presentHash the hash of the present password; null for none
   * @throws Problem `validation` when it is not the present password; `sso-required` if a password counts for nothing in the
   *   account; `step-up-required` for a user with a second factor, whom the password alone does not prove
   */
  async confirm(principal: Principal, presentHash: string | null, currentPassword: string): Promise<void> {
    if (!(await this.passwords.matches(currentPassword, presentHash))) {
      const errors = [{ field: 'currentPassword', message: 'currentPassword must be your password' }];
      throw new Problem('validation', { errors });
    }
    await this.requireCounting(principal.userId);
    await this.stronger.require(principal);
  }

  async replace(userId: string, password: string): Promise<void> {
    const passwordHash = await this.passwords.hash(password);
    await sql`update users set password_hash = ${passwordHash} where id = ${userId}`.execute(this.em.getKysely());
  }

  private async requireCounting(userId: string): Promise<void> {
    const { rows } = await sql`select id from users u where id = ${userId} and ${mustUseSso}`.execute(
      this.em.getKysely(),
    );
    if (rows.length > 0) throw new Problem('sso-required');
  }
}
