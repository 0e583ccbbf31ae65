import { SECRET_FAMILY_LENGTH, SESSION_LIFETIME_S, SESSION_SECRET_LENGTH } from '#libs/contracts';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash, timingSafeEqual } from 'node:crypto';
import { publicOrigin, type GatewayConfig } from '../gateway.config.js';

/** The browser accepts the prefix `__Host-` only from this host over HTTPS, so no other host can set such a cookie. */
const SECURE_NAME = '__Host-leaver-session';
const NAME = 'leaver-session';
const SECRET = new RegExp(`^[\\w-]{${SESSION_SECRET_LENGTH}}$`);

/** The cookie with the secret of a browser's session. Scripts cannot read it, and other sites cannot have it sent. */
export class SessionCookie {
  private readonly secure: boolean;

  constructor(config: GatewayConfig) {
    this.secure = publicOrigin(config)?.startsWith('https:') ?? false;
  }

  /** Undefined without a cookie, and for one that cannot be ours. */
  read({ headers }: FastifyRequest): string | undefined {
    const secret = parseCookie(headers.cookie ?? '')[this.name];
    return secret !== undefined && SECRET.test(secret) ? secret : undefined;
  }

  set(reply: FastifyReply, secret: string): void {
    this.send(reply, secret, SESSION_LIFETIME_S);
  }

  remove(reply: FastifyReply): void {
    this.send(reply, '', 0);
  }

  private send(reply: FastifyReply, value: string, maxAge: number): void {
    const fixed = { httpOnly: true, sameSite: 'strict', path: '/' } as const;
    const cookie = stringifySetCookie({ name: this.name, value, maxAge, secure: this.secure, ...fixed });
    reply.header('set-cookie', cookie);
  }

  private get name(): string {
    return this.secure ? SECURE_NAME : NAME;
  }
}

/**
 * What a page has to send with a change. It follows from the part of the secret that never changes, so it needs no storage,
 * and stays the same in all tabs. Another site can neither read the cookie nor the answers that contain the token.
 */
export const csrfTokenOf = (secret: string): string =>
  createHash('sha256')
    .update(`csrf ${secret.slice(0, SECRET_FAMILY_LENGTH)}`)
    .digest('base64url');

export function isCsrfToken(given: unknown, secret: string): boolean {
  const [one, other] = [Buffer.from(String(given)), Buffer.from(csrfTokenOf(secret))];
  return one.length === other.length && timingSafeEqual(one, other);
}
