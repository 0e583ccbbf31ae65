import type { FastifyReply } from 'fastify';
import type { Verdict } from './rate.js';
import type { SharedLimit } from './shared-limit.js';

/** The headers of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ */
export function setRateLimit(
  reply: FastifyReply,
  { name, perMinute }: Pick<SharedLimit, 'name' | 'perMinute'>,
  { remaining, reset, allowed, retryAfter }: Verdict,
): void {
  void reply
    .header('ratelimit-policy', `"${name}";q=${perMinute};w=60`)
    .header('ratelimit', `"${name}";r=${remaining};t=${allowed ? reset : retryAfter}`);
}
