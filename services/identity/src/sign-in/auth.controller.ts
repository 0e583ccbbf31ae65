import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers, Handles } from '#libs/broker';
import {
  authenticate,
  authLogin,
  authLogout,
  authRefresh,
  authStepUp,
  Problem,
  type CallOf,
  type Introspected,
  type Proof,
  type SignedIn,
  type Tokens,
} from '#libs/contracts';
import { API_TOKEN_PREFIX, ApiTokens } from '../api-token/api-tokens.js';
import { Sessions } from '../session/sessions.js';
import { AccessTokens } from '../session/access-tokens.js';
import { LoginService } from './login.service.js';
import { StepUp } from './step-up.js';

@Controller()
export class AuthController {
  constructor(
    private readonly em: EntityManager,
    private readonly logins: LoginService,
    private readonly sessions: Sessions,
    private readonly accessTokens: AccessTokens,
    private readonly apiTokens: ApiTokens,
    private readonly stepUps: StepUp,
  ) {}

  /** Passwords are checked outside of a transaction, because they may have to wait for it. */
  @Handles(authLogin, { transaction: false, acrossAccounts: 'An address is looked up before the account is known.' })
  login({ body, client }: CallOf<typeof authLogin>): Promise<SignedIn> {
    return this.logins.login(body, { client });
  }

  /** Throws only after the transaction, so that the end of a replayed session is committed. */
  @Handles(authRefresh, { transaction: false, acrossAccounts: 'A token is looked up before the account is known.' })
  async refresh({ body }: CallOf<typeof authRefresh>): Promise<Tokens> {
    const tokens = await this.em.transactional(() => this.sessions.refresh(body.refreshToken));
    if (!tokens) throw new Problem('unauthenticated', { detail: 'This refresh token is not valid.' });
    return tokens;
  }

  @Handles(authStepUp, { transaction: false })
  async stepUp({ principal, body }: CallOf<typeof authStepUp>): Promise<Proof> {
    const until = await this.stepUps.prove(principal, body);
    return { provenUntil: until.toISOString() };
  }

  @Handles(authLogout)
  async logout({ principal, body }: CallOf<typeof authLogout>): Promise<void> {
    const { refreshToken } = body ?? {};
    if (refreshToken) await this.sessions.end(principal.userId, { refreshToken });
    else if (principal.sessionId) await this.sessions.end(principal.userId, { id: principal.sessionId });
  }

  @Answers(authenticate, { acrossAccounts: 'A token is looked up before the account is known.' })
  async authenticate({ token }: { token: string }): Promise<Introspected | null> {
    if (!token.startsWith(API_TOKEN_PREFIX)) return this.accessTokens.introspect(token);
    const subject = await this.apiTokens.authenticate(token);
    if (!subject) return null;
    const { accountId, userId, roles, scopes } = subject;
    return { accountId, userId, roles, scopes, accessToken: await this.accessTokens.issueForServices(subject) };
  }
}
