import {
  auditList,
  authLogin,
  myTotpConfirm,
  myTotpCreate,
  NOBODY,
  type Login,
  type NewUser,
  type Principal,
  type Problem,
  type SignedIn,
} from '#libs/contracts';
import { Secret, TOTP } from 'otpauth';
import { PASSWORD, type TestIdentity } from './identity.js';

const STEP_MS = 30_000;

/** The code that an authenticator app shows, or does so some steps of 30 seconds later. */
export type CodeOf = (steps?: number) => string;

/** A user with an authenticator app, and a session that has just begun. */
export interface AppUser {
  principal: Principal;
  email: string;
  recoveryCodes: string[];
  code: CodeOf;
  login: (more?: Partial<Login>) => Promise<SignedIn>;
  /** That of a sign-in with the right password. */
  challenge: () => Promise<string>;
}

/** Sets up authenticator apps. */
export class AppUsers {
  constructor(private readonly identity: TestIdentity) {}

  login(body: Login): Promise<SignedIn> {
    return this.identity.call(authLogin, { principal: NOBODY, body });
  }

  codesOf(secret: string): CodeOf {
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    return (steps = 0) => totp.generate({ timestamp: this.identity.clock.millis() + steps * STEP_MS });
  }

  /** The app shows another code then. */
  nextStep(): void {
    this.identity.clock.advance(STEP_MS);
  }

  async setUp(principal: Principal): Promise<{ code: CodeOf; recoveryCodes: string[] }> {
    const { secret } = await this.identity.call(myTotpCreate, { principal });
    const code = this.codesOf(secret);
    const { recoveryCodes = [] } = await this.identity.call(myTotpConfirm, { principal, body: { code: code() } });
    this.nextStep();
    return { code, recoveryCodes };
  }

  async add(owner: Principal, overrides: Partial<NewUser> = {}): Promise<AppUser> {
    const user = await this.identity.aUser(owner, overrides);
    const one = { accountId: owner.accountId, userId: user.id, roles: user.roles };
    const principal = await this.identity.signedIn(one);
    const email = user.email!;
    const login = (more: Partial<Login> = {}) => this.login({ email, password: PASSWORD, ...more });
    const challenge = async () => (await problemOf(login())).details.challenge!;
    return { principal, email, login, challenge, ...(await this.setUp(principal)) };
  }

  async actionsAbout(owner: Principal, subjectId: string): Promise<string[]> {
    const { items } = await this.identity.call(auditList, { principal: owner, query: { subjectId } });
    return items.map(({ action }) => action);
  }
}

export const problemOf = (call: Promise<unknown>): Promise<Problem> =>
  call.then(
    () => {
      throw new Error('It was not refused.');
    },
    (thrown: Problem) => thrown,
  );
