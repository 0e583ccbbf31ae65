import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import {
  exchangeBrowserSession,
  openBrowserSession,
  type Call,
  type ExchangedSession,
  type Login,
  type SessionSecret,
  type User,
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
  async open({ client, ...login }: Login & Pick<Call, 'client'>): Promise<SessionSecret & { user: User }> {
    const { refreshToken: secret, user } = await this.logins.login(login, { client, browser: true });
    return { secret, user };
  }

  @Answers(exchangeBrowserSession, { acrossAccounts: 'A secret is looked up before the account is known.' })
  exchange({ secret }: SessionSecret): Promise<ExchangedSession | null> {
    return this.em.transactional(() => this.browsers.exchange(secret));
  }
}
