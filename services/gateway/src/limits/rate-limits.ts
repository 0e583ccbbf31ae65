import { foldCase, Problem, type Operation, type Principal, type RateLimit } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { GatewayConfig } from '../gateway.config.js';
import { clientKey } from './client-key.js';
import { CounterStore } from './counter-store.js';
import type { Verdict } from './rate.js';
import { SharedLimit } from './shared-limit.js';

interface Limit {
  name: RateLimit;
  /** What is counted: requests per client address, per person that the request is about, or per both together. */
  by: 'address' | 'address-and-person' | 'person';
  shared: SharedLimit;
  /** Successful requests are not counted. */
  failuresOnly?: boolean;
}

export interface LimitedRequest {
  address: string;
  body: object;
  /** Undefined on public routes, where the email in the body is the person. */
  principal: Principal | undefined;
}

/** A refusal by a limit, with what the `RateLimit` header says. */
export class RateLimited extends Problem {
  constructor(
    readonly policy: Pick<SharedLimit, 'name' | 'perMinute'>,
    readonly verdict: Verdict,
  ) {
    super('too-many-requests', { retryAfter: verdict.retryAfter });
  }
}

/** Limits guesses of passwords and tokens, mails, and new accounts, together with all other gateways. */
@Injectable()
export class RateLimits {
  private readonly limits: Record<RateLimit, readonly Limit[]>;

  constructor(config: GatewayConfig, store: CounterStore, clock: Clock) {
    const limit = (name: RateLimit, by: Limit['by'], perMinute: number, failuresOnly = false): Limit => ({
      name,
      by,
      shared: new SharedLimit(by === 'address' ? name : `${name}-by-${by}`, perMinute, store, clock),
      failuresOnly,
    });
    this.limits = {
      'failed-logins': [
        limit('failed-logins', 'address-and-person', config.failedLoginsPerMinute, true),
        limit('failed-logins', 'address', config.failedLoginsPerMinute * 10, true),
        limit('failed-logins', 'person', config.failedLoginsPerMinute * 10, true),
      ],
      'failed-tokens': [limit('failed-tokens', 'address', config.failedTokensPerMinute, true)],
      'password-resets': [
        limit('password-resets', 'person', config.passwordResetsPerMinute),
        limit('password-resets', 'address', config.passwordResetsPerMinute * 10),
      ],
      'new-accounts': [limit('new-accounts', 'address', config.accountsPerMinute)],
      invitations: [limit('invitations', 'address', config.resentInvitationsPerMinute)],
    };
  }

  /**
   * Runs `work` unless the client has reached a limit of the operation.
   * @throws RateLimited with `retryAfter` in seconds
   */
  async guard<T>(operation: Operation, request: LimitedRequest, work: () => Promise<T>): Promise<T> {
    const limits = operation.rateLimit ? this.limits[operation.rateLimit] : [];
    if (limits.length === 0 || isHarmless(operation, request)) return work();
    // A sign-in without an email names nobody: all of them together are no person.
    const keyed = limits
      .filter(({ name, by }) => by !== 'person' || countedAs(name, request).person !== '')
      .map((limit) => ({ ...limit, key: keyOf(limit, request) }));
    // Taken before the work, so that concurrent guesses are all counted.
    const verdicts = await Promise.all(keyed.map(({ shared, key }) => shared.take(key)));
    const refused = keyed.flatMap(({ shared }, at) =>
      verdicts[at]!.allowed ? [] : [new RateLimited(shared, verdicts[at]!)],
    );
    if (refused.length > 0) {
      await giveBack(keyed.filter((_, at) => verdicts[at]!.allowed));
      throw refused.reduce((longest, one) => (one.verdict.retryAfter > longest.verdict.retryAfter ? one : longest));
    }
    try {
      const result = await work();
      await giveBack(keyed.filter(({ failuresOnly }) => failuresOnly));
      return result;
    } catch (error) {
      if (isNoGuess(error)) await giveBack(keyed.filter(({ failuresOnly }) => failuresOnly));
      throw error;
    }
  }
}

/**
 * Whether the service has answered that it tried nothing or failed itself. A lost or late answer says nothing: the password
 * may have been checked.
 */
export const isNoGuess = (error: unknown): boolean =>
  error instanceof Problem &&
  (error.code === 'internal' || (error.code === 'service-unavailable' && error.details.retryAfter !== undefined));

async function giveBack(taken: readonly (Limit & { key: string })[]): Promise<void> {
  await Promise.all(taken.map(({ shared, key }) => shared.giveBack(key)));
}

/** What a signed-in caller can guess. */
const GUESSABLE = ['password', 'currentPassword', 'totp', 'recoveryCode', 'passkey'];

/** Signed-in callers can guess their password or code, too. Without one, their request guesses nothing. */
const isHarmless = ({ rateLimit }: Operation, { principal, body }: LimitedRequest): boolean =>
  rateLimit === 'failed-logins' && principal !== undefined && !GUESSABLE.some((field) => field in body);

function keyOf({ name, by }: Limit, request: LimitedRequest): string {
  const { client, person } = countedAs(name, request);
  if (by === 'address') return client;
  return by === 'person' ? person : `${client} ${person}`;
}

function countedAs(name: RateLimit, { address, body, principal }: LimitedRequest): { client: string; person: string } {
  // A stolen session can be used from many addresses and with any email in the body.
  if (principal && name === 'failed-logins') return { client: `user ${principal.userId}`, person: principal.userId };
  const { email } = body as { email?: unknown };
  const isEmail = typeof email === 'string';
  const person = isEmail ? createHash('sha256').update(foldCase(email.trim())).digest('base64url') : '';
  return { client: clientKey(address), person };
}
