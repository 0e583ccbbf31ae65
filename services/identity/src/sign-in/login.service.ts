import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Call, type Login, type SignedIn, type UserStatus } from '#libs/contracts';
import { sql } from 'kysely';
import { Sessions } from '../session/sessions.js';
import { Passwords } from '../password/passwords.js';

interface Candidate {
  id: string;
  account_id: string;
  status: UserStatus;
  password_hash: string | null;
}

@Injectable()
export class LoginService {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
  ) {}

  /**
   * With a wrong password, the answer does not reveal whether the email is known or its user has left.
   * @throws Problem `invalid-credentials`; with the right password `account-inactive` for a deactivated user, and
   *   `validation` if it matches users of several accounts
   */
  async login({ email, password, accountId }: Login, client: Call['client']): Promise<SignedIn> {
    const candidates = await this.candidates(email, accountId);
    const matches = await Promise.all(candidates.map((one) => this.passwords.matches(password, one.password_hash)));
    if (candidates.length === 0) await this.passwords.matches(password, null);
    const right = candidates.filter((_, at) => matches[at]);
    const [user, another] = right.filter((one) => one.status === 'active');
    if (another) {
      const errors = [{ field: 'accountId', message: 'accountId must name one of your accounts' }];
      throw new Problem('validation', { errors });
    }
    if (user) return this.sessions.open(user.account_id, user.id, user.password_hash!, client);
    throw new Problem(right.length > 0 ? 'account-inactive' : 'invalid-credentials');
  }

  private async candidates(email: string, accountId: string | undefined): Promise<Candidate[]> {
    const { rows } = await sql<Candidate>`
      select id, account_id, status, password_hash from users
      where fold_case(email) = fold_case(${email}) and status in ('active', 'deactivated')
        and (${accountId ?? null}::uuid is null or account_id = ${accountId ?? null}::uuid)`.execute(
      this.em.getKysely(),
    );
    return rows;
  }
}
