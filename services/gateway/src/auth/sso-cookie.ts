import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { publicOrigin, type GatewayConfig } from '../gateway.config.js';

/** As long as identity accepts the answer of the provider. */
const LIFETIME_S = 600;
const SECRET = /^[\w-]{43}$/;

/**
 * The cookie with which only the browser that went to the identity provider can come back. The provider's site sends the
 * browser back, so it cannot be `SameSite=Strict`.
 */
export class SsoCookie {
  private readonly secure: boolean;

  constructor(config: GatewayConfig) {
    this.secure = publicOrigin(config)?.startsWith('https:') ?? false;
  }

  read({ headers }: FastifyRequest): string | null {
    const secret = parseCookie(headers.cookie ?? '')[this.name];
    return secret !== undefined && SECRET.test(secret) ? secret : null;
  }

  set(reply: FastifyReply, secret: string): void {
    this.send(reply, secret, LIFETIME_S);
  }

  remove(reply: FastifyReply): void {
    this.send(reply, '', 0);
  }

  private send(reply: FastifyReply, value: string, maxAge: number): void {
    const fixed = { httpOnly: true, sameSite: 'lax', path: '/' } as const;
    reply.header('set-cookie', stringifySetCookie({ name: this.name, value, maxAge, secure: this.secure, ...fixed }));
  }

  private get name(): string {
    return this.secure ? '__Host-leaver-sso' : 'leaver-sso';
  }
}
