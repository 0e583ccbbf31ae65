import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { endSsoSessions, endSsoSessionsOf, type GlobalLogoutRequest } from '#libs/contracts';
import { ProviderLogouts } from './provider-logouts.js';

/** What identity providers end. */
@Controller()
export class LogoutController {
  constructor(private readonly logouts: ProviderLogouts) {}

  @Answers(endSsoSessions)
  logout({ accountId, logoutToken }: { accountId: string; logoutToken: string }): Promise<void> {
    return this.logouts.logout(accountId, logoutToken);
  }

  @Answers(endSsoSessionsOf)
  globalLogout(request: GlobalLogoutRequest): Promise<void> {
    return this.logouts.globalLogout(request);
  }
}
