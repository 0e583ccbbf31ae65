import { Principals } from '#libs/auth';
import { ServiceClient } from '#libs/broker';
import { exchangeBrowserSession, Problem, type ExchangedSession, type Principal } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { GatewayConfig } from '../gateway.config.js';
import { assertCsrfToken, assertOwnSite } from './same-origin.js';
import { SessionCookie } from './session-cookie.js';

/** About 10 MB. */
const MAX_SESSIONS = 10_000;
/** An access token is replaced this long before it expires. */
const MARGIN_MS = 10_000;

interface Exchange {
  /** Milliseconds since 1970. */
  until: number;
  answer: Promise<ExchangedSession | null>;
}

/**
 * Authenticates requests by the session cookie. Identity exchanges its secret for an access token, which is kept until it
 * expires; whether the session has ended is checked with every request, as for every access token.
 */
@Injectable()
export class BrowserSessions {
  readonly cookie: SessionCookie;
  /** By the digest of the secret, in the order of the exchanges. */
  private readonly exchanges = new Map<string, Exchange>();

  constructor(
    private readonly services: ServiceClient,
    private readonly principals: Principals,
    private readonly clock: Clock,
    config: GatewayConfig,
  ) {
    this.cookie = new SessionCookie(config);
  }

  /** @throws Problem `unauthenticated`, `csrf-token-invalid`; `service-unavailable` when identity cannot be asked */
  async authenticate(request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
    const secret = this.cookie.read(request);
    if (secret === undefined) throw new Problem('unauthenticated');
    assertOwnSite(request);
    const session = (await this.principalOf(secret)) ?? (await this.principalOf(secret));
    if (!session) {
      this.cookie.remove(reply);
      throw new Problem('unauthenticated');
    }
    assertCsrfToken(request, secret);
    if (session.next !== undefined) this.cookie.set(reply, session.next);
    return session.principal;
  }

  /**
   * Undefined if the session is over, or if the kept access token is: roles that are lost end it, and the session goes on
   * with another one.
   */
  private async principalOf(secret: string): Promise<{ principal: Principal; next?: string } | undefined> {
    const id = createHash('sha256').update(secret).digest('base64url');
    const exchanged = await this.exchange(id, secret);
    if (!exchanged) return undefined;
    try {
      return { principal: await this.principals.ofAccessToken(exchanged.accessToken), next: exchanged.next };
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'unauthenticated')) throw error;
      this.exchanges.delete(id);
      return undefined;
    }
  }

  private async exchange(id: string, secret: string): Promise<ExchangedSession | null> {
    const known = this.exchanges.get(id);
    if (known && known.until > this.clock.millis()) return known.answer;
    const answer = this.services.ask(exchangeBrowserSession, { secret });
    this.keep(id, { until: Infinity, answer });
    try {
      const exchanged = await answer;
      if (exchanged) this.keep(id, { until: this.clock.millis() + exchanged.expiresIn * 1_000 - MARGIN_MS, answer });
      else this.exchanges.delete(id);
      return exchanged;
    } catch (error) {
      this.exchanges.delete(id);
      throw error;
    }
  }

  private keep(id: string, exchange: Exchange): void {
    this.exchanges.delete(id);
    if (this.exchanges.size >= MAX_SESSIONS) this.exchanges.delete(this.exchanges.keys().next().value!);
    this.exchanges.set(id, exchange);
  }
}
