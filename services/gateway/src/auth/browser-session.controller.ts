import { ServiceClient } from '#libs/broker';
import {
  authLogout,
  authSessionCreate,
  authSessionEnd,
  authSessionGet,
  meGet,
  openBrowserSession,
  Problem,
  type BrowserSession,
  type Login,
} from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { clientOf } from '../http/request.js';
import { RateLimits } from '../limits/rate-limits.js';
import { readCall } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';
import { BrowserSessions } from './browser-sessions.js';
import { assertOwnSite } from './same-origin.js';
import { csrfTokenOf } from './session-cookie.js';

/** Signing in and out with a cookie. */
@Controller()
export class BrowserSessionController {
  constructor(
    private readonly services: ServiceClient,
    private readonly browsers: BrowserSessions,
    private readonly limits: RateLimits,
    private readonly config: GatewayConfig,
  ) {}

  /** Another site must not sign its visitors in as somebody else, either. */
  @Serves(authSessionCreate)
  async create(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BrowserSession> {
    assertOwnSite(request);
    const body = readCall(authSessionCreate, request).body as Login;
    const client = clientOf(request, this.config.trustedProxies);
    const counted = { address: client.ip, body, principal: undefined };
    const { secret, ...opened } = await this.limits.guard(authSessionCreate, counted, () =>
      this.services.ask(openBrowserSession, { ...body, client }),
    );
    this.browsers.cookie.set(reply, secret);
    return { ...opened, csrfToken: csrfTokenOf(secret) };
  }

  @Serves(authSessionGet)
  async get(@Req() request: FastifyRequest): Promise<BrowserSession> {
    const secret = this.browsers.cookie.read(request);
    if (secret === undefined || request.headers.authorization !== undefined)
      throw new Problem('not-found', { detail: 'This request has no session cookie.' });
    const { secondFactorMissing } = request.principal!;
    const { accountId: _accountId, ...user } = await this.services.call(meGet, { principal: request.principal! });
    return { user, csrfToken: csrfTokenOf(secret), ...(secondFactorMissing && { secondFactorMissing }) };
  }

  @Serves(authSessionEnd)
  async end(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await this.services.call(authLogout, { principal: request.principal! });
    this.browsers.cookie.remove(reply);
  }
}
