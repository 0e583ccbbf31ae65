import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Login, type SignedIn, type UserStatus } from '#libs/contracts';
import { sql } from 'kysely';
import { SIGN_IN_FAILED } from '../audit/audit.js';
import { Occurrences } from '../audit/occurrences.js';
import type { OpenedBy } from '../session/sessions.js';
import { Passwords } from '../password/passwords.js';
import { mustUseSso } from '../sso/must-use-sso.js';
import { PasskeyLogin } from './passkey-login.js';
import { SecondStep } from './second-step.js';

interface Candidate {
  id: string;
  account_id: string;
  status: UserStatus;
  password_hash: string | null;
  verified: boolean;
  suspended: boolean;
  must_use_sso: boolean;
}

type WithPassword = Login & Required<Pick<Login, 'email' | 'password'>>;

/** The most passwords that one request checks. */
export const MOST_CANDIDATES = 5;

@Injectable()
export class LoginService {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly secondStep: SecondStep,
    private readonly passkeys: PasskeyLogin,
    private readonly occurrences: Occurrences,
  ) {}

  /**
   * Begins with address and password, or with a passkey alone; goes on with a challenge.
   * @throws Problem `validation` if something is missing, and as `withPassword`, `SecondStep` and `PasskeyLogin`
   */
  login(login: Login, by: OpenedBy): Promise<SignedIn> {
    const { email, password, challenge, passkey } = login;
    if (challenge !== undefined) return this.secondStep.goOn(challenge, login, by);
    if (passkey && email === undefined && password === undefined) return this.passkeys.login(passkey, by);
    if (email !== undefined && password !== undefined) return this.withPassword({ ...login, email, password }, by);
    const missing = [...(email === undefined ? ['email'] : []), ...(password === undefined ? ['password'] : [])];
    const errors = missing.map((field) => ({
      field,
      message: `${field} is required without a challenge or a passkey`,
    }));
    throw new Problem('validation', { errors });
  }

  /**
   * With a wrong password, the answer does not reveal whether the email is known or its user has left. Anybody can open an
   * account with somebody else's address: users who have proved theirs count before the others, and of many only the first
   * `MOST_CANDIDATES` are considered.
   * @throws Problem `invalid-credentials`; with the right password `account-inactive` for a deactivated or suspended user, and
   *   `sso-required` if a password counts for nothing in the account; `validation` if it matches users of several accounts;
   *   `service-unavailable` if too many passwords are being checked; as `SecondStep.take`
   */
  private async withPassword(login: WithPassword, by: OpenedBy): Promise<SignedIn> {
    const { email, password, accountId } = login;
    const candidates = await this.candidates(email, accountId);
    const matches = await Promise.all(candidates.map((one) => this.passwords.matches(password, one.password_hash)));
    if (candidates.length === 0) await this.passwords.matches(password, null);
    const right = preferred(candidates.filter((_, at) => matches[at]));
    const active = right.filter((one) => one.status === 'active' && !one.suspended);
    const [user, another] = active.filter((one) => !one.must_use_sso);
    if (another) {
      const errors = [{ field: 'accountId', message: 'accountId must name one of your accounts' }];
      throw new Problem('validation', { errors });
    }
    if (user) return this.secondStep.take(toSigningIn(user), login, by);
    this.recordFailure(candidates);
    if (active.length > 0) throw new Problem('sso-required');
    throw new Problem(right.length > 0 ? 'account-inactive' : 'invalid-credentials');
  }

  /** The same work whether the email is known or not. */
  private recordFailure(candidates: readonly Candidate[]): void {
    for (const { id: subjectId, account_id: accountId } of candidates) {
      this.occurrences.record({ accountId, action: SIGN_IN_FAILED, system: 'sign-in', subjectId, counted: true });
    }
  }

  private async candidates(email: string, accountId: string | undefined): Promise<Candidate[]> {
    const { rows } = await sql<Candidate>`
      select id, account_id, status, password_hash, email_verified_at is not null as verified,
        suspended_at is not null as suspended, ${mustUseSso} as must_use_sso
      from users u
      where fold_case(email) = fold_case(${email}) and status in ('active', 'deactivated')
        and (${accountId ?? null}::uuid is null or account_id = ${accountId ?? null}::uuid)
      order by email_verified_at is null, status, created_at, id limit ${MOST_CANDIDATES}`.execute(this.em.getKysely());
    return rows;
  }
}

const toSigningIn = ({ id: userId, account_id: accountId, password_hash }: Candidate) => ({
  ...{ accountId, userId },
  passwordHash: password_hash!,
});

/** Users who have proved their address, if there are any among them. */
function preferred(candidates: readonly Candidate[]): readonly Candidate[] {
  const verified = candidates.filter((one) => one.verified);
  return verified.length > 0 ? verified : candidates;
}
