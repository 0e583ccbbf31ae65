import { ServiceClient } from '#libs/broker';
import {
  beginSso,
  beginSsoProof,
  finishSso,
  ssoCallback,
  ssoProve,
  ssoStart,
  type SsoProof,
  type SsoRedirect,
} from '#libs/contracts';
import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayConfig } from '../gateway.config.js';
import { clientOf, originOf } from '../http/request.js';
import { problemOf } from '../http/problem.filter.js';
import { RateLimits } from '../limits/rate-limits.js';
import { readCall, readParams, readQueryOnly } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';
import { BrowserSessions } from './browser-sessions.js';
import { SsoCookie } from './sso-cookie.js';

const SIGN_IN_PAGE = '/sign-in';

/** Sends browsers to the identity providers of accounts, and takes them back. */
@Controller()
export class SsoController {
  private readonly cookie: SsoCookie;

  constructor(
    private readonly services: ServiceClient,
    private readonly browsers: BrowserSessions,
    private readonly limits: RateLimits,
    private readonly config: GatewayConfig,
  ) {
    this.cookie = new SsoCookie(config);
  }

  @Serves(ssoStart)
  async start(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { accountId } = readParams(request) as { accountId: string };
    const { returnTo } = readQueryOnly(ssoStart, request);
    await orToSignIn(request, reply, async () => {
      const { url, browser } = await this.services.ask(beginSso, {
        accountId,
        returnTo,
        origin: originOf(request, this.config),
      });
      this.cookie.set(reply, browser);
      return url;
    });
  }

  @Serves(ssoProve)
  async prove(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<SsoRedirect> {
    const { purpose, returnTo } = readCall(ssoProve, request).body as SsoProof;
    const principal = request.principal!;
    const { accountId, userId, sessionId } = principal;
    const asked = {
      accountId,
      userId,
      sessionId: sessionId!,
      purpose,
      returnTo,
      origin: originOf(request, this.config),
    };
    const { url, browser } = await this.services.ask(beginSsoProof, asked, principal);
    this.cookie.set(reply, browser);
    return { url };
  }

  /** Signs in or refuses the person whom the provider sends back. Identity judges the parameters. */
  @Serves(ssoCallback)
  async callback(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { accountId } = readParams(request) as { accountId: string };
    const client = clientOf(request, this.config.trustedProxies);
    const { search } = new URL(request.url, 'http://gateway');
    const browser = this.cookie.read(request);
    const counted = { address: client.ip, body: {}, principal: undefined };
    await orToSignIn(request, reply, async () => {
      const { returnTo, secret } = await this.limits.guard(ssoCallback, counted, () =>
        this.services.ask(finishSso, { accountId, origin: originOf(request, this.config), search, browser, client }),
      );
      if (browser !== null) this.cookie.remove(reply);
      if (secret !== undefined) this.browsers.cookie.set(reply, secret);
      return returnTo;
    });
  }
}

/** Redirects to the address that the work returns. A person gets a page for what goes wrong, a program the problem. */
async function orToSignIn(request: FastifyRequest, reply: FastifyReply, work: () => Promise<string>): Promise<void> {
  try {
    return void reply.redirect(await work(), 302);
  } catch (error) {
    const { code } = problemOf(error);
    if (code === 'internal' || !/\btext\/html\b/.test(request.headers.accept ?? '')) throw error;
    void reply.redirect(`${SIGN_IN_PAGE}?error=${code}`, 302);
  }
}
