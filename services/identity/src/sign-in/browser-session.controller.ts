import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import {
  exchangeBrowserSession,
  openBrowserSession,
  type Call,
  type ExchangedSession,
  type Login,
  type OpenedSession,
  type SessionSecret,
} from '#libs/contracts';
import { BrowserSessions } from '../session/browser-sessions.js';
import { LoginService } from './login.service.js';

/** Sessions whose secret the gateway keeps in a cookie. */
@Controller()
export class BrowserSessionController {
  constructor(
    private readonly em: EntityManager,
    private readonly logins: LoginService,
    private readonly browsers: BrowserSessions,
  ) {}

  @Answers(openBrowserSession, { acrossAccounts: 'An address is looked up before the account is known.' })
  async open({ client, ...login }: Login & Pick<Call, 'client'>): Promise<SessionSecret & OpenedSession> {
    const signedIn = await this.logins.login(login, { client, browser: true });
    const { refreshToken: secret, user, secondFactorMissing } = signedIn;
    return { secret, user, ...(secondFactorMissing && { secondFactorMissing }) };
  }

  @Answers(exchangeBrowserSession, { acrossAccounts: 'A secret is looked up before the account is known.' })
  exchange({ secret }: SessionSecret): Promise<ExchangedSession | null> {
    return this.em.transactional(() => this.browsers.exchange(secret));
  }
}
