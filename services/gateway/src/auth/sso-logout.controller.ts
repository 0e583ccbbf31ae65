import { ServiceClient } from '#libs/broker';
import { endSsoSessions, endSsoSessionsOf, Problem, ssoBackchannelLogout, ssoGlobalLogout } from '#libs/contracts';
import { Controller, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { clientAddress, originOf, pathOf } from '../http/request.js';
import { RateLimits } from '../limits/rate-limits.js';
import { checkMediaType, readCall, readParams } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';

const LONGEST_TOKEN = 20_000;

/** Takes requests of identity providers that end sessions. */
@Controller()
export class SsoLogoutController {
  constructor(
    private readonly services: ServiceClient,
    private readonly limits: RateLimits,
    private readonly config: GatewayConfig,
  ) {}

  @Serves(ssoBackchannelLogout)
  async backchannel(@Req() request: FastifyRequest): Promise<void> {
    const { accountId } = readParams(request) as { accountId: string };
    checkMediaType(ssoBackchannelLogout, request);
    const { logout_token: logoutToken } = (request.body ?? {}) as { logout_token?: unknown };
    if (typeof logoutToken !== 'string' || logoutToken.length > LONGEST_TOKEN)
      throw new Problem('logout-token-invalid');
    await this.limits.guard(ssoBackchannelLogout, this.counted(request), () =>
      this.services.ask(endSsoSessions, { accountId, logoutToken }),
    );
  }

  @Serves(ssoGlobalLogout)
  async global(@Req() request: FastifyRequest): Promise<void> {
    const { params, body } = readCall(ssoGlobalLogout, request);
    const { sub_id: subject } = body as { sub_id: never };
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || token.length > LONGEST_TOKEN) throw new Problem('unauthenticated');
    const audience = originOf(request, this.config) + pathOf(request);
    const asked = { accountId: params.accountId!, token, audience, subject };
    await this.limits.guard(ssoGlobalLogout, this.counted(request), () => this.services.ask(endSsoSessionsOf, asked));
  }

  private counted(request: FastifyRequest) {
    return { address: clientAddress(request, this.config.trustedProxies), body: {}, principal: undefined };
  }
}
