import { foldCase, Problem, type Operation, type RateLimit } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { GatewayConfig } from '../gateway.config.js';
import { TokenBuckets } from './token-bucket.js';

interface Limit {
  /** What is counted: requests per client address, per email in the body, or per both together. */
  by: 'address' | 'address-and-email' | 'email';
  buckets: TokenBuckets;
  /** Successful requests are not counted. */
  failuresOnly?: boolean;
}

/**
 * Limits guesses of passwords and tokens, mails, and new accounts. The counters are in this replica's memory, so n
 * replicas allow up to n times as much, which is still far from enough to guess anything.
 */
@Injectable()
export class RateLimits {
  private readonly limits: Record<RateLimit, readonly Limit[]>;

  constructor(config: GatewayConfig, clock: Clock) {
    const limit = (by: Limit['by'], perMinute: number, failuresOnly = false): Limit => ({
      by,
      buckets: new TokenBuckets(perMinute, clock),
      failuresOnly,
    });
    this.limits = {
      'failed-logins': [
        limit('address-and-email', config.failedLoginsPerMinute, true),
        limit('address', config.failedLoginsPerMinute * 10, true),
      ],
      'failed-tokens': [limit('address', config.failedTokensPerMinute, true)],
      'password-resets': [
        limit('email', config.passwordResetsPerMinute),
        limit('address', config.passwordResetsPerMinute * 10),
      ],
      'new-accounts': [limit('address', config.accountsPerMinute)],
      invitations: [limit('address', config.resentInvitationsPerMinute)],
    };
  }

  /**
   * Runs `work` unless the client has reached a limit of the operation.
   * @throws Problem `too-many-requests` with `retryAfter` in seconds
   */
  async guard<T>(operation: Operation, address: string, body: object, work: () => Promise<T>): Promise<T> {
    const limits = operation.rateLimit ? this.limits[operation.rateLimit] : [];
    const keyed = limits.map((limit) => ({ ...limit, key: keyOf(limit, address, body) }));
    const retryAfter = Math.max(0, ...keyed.map(({ buckets, key }) => buckets.wait(key)));
    if (retryAfter > 0) throw new Problem('too-many-requests', { retryAfter });
    for (const { buckets, key } of keyed) buckets.take(key);
    try {
      const result = await work();
      giveBack(keyed);
      return result;
    } catch (error) {
      // Our own failures are not guesses by the client.
      if (!(error instanceof Problem) || error.status >= 500) giveBack(keyed);
      throw error;
    }
  }
}

/** Returns tokens after a success. They are taken before the work, so that concurrent guesses are all counted. */
function giveBack(taken: readonly (Limit & { key: string })[]): void {
  for (const { failuresOnly, buckets, key } of taken) if (failuresOnly) buckets.giveBack(key);
}

function keyOf({ by }: Limit, address: string, body: object): string {
  const email = (body as { email?: unknown }).email;
  const hash = typeof email === 'string' ? createHash('sha256').update(foldCase(email.trim())).digest('base64url') : '';
  if (by === 'email') return hash;
  return by === 'address' ? address : `${address} ${hash}`;
}
