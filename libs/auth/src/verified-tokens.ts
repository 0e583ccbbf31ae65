import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import type { CryptoKey } from 'jose';
import { hash } from 'node:crypto';

/** The claims of a verified token, the key that verified it, and how long the result is valid. */
export interface Verified<Facts> {
  facts: Facts;
  kid: string;
  key: CryptoKey;
  /** Milliseconds since 1970. */
  until: number;
}

/** Cache size, about 2 MB: this many users can be active at one gateway before tokens are verified twice. */
const MAX_TOKENS = 10_000;

/**
 * Cache of tokens with a valid signature. A client sends the same token for five minutes, and verifying it costs as
 * much as the rest of the request. Callers still check the key and the session each time. Entries are found by hash;
 * the tokens themselves are not stored.
 */
@Injectable()
export class VerifiedTokens<Facts> {
  /** In the order of verification. */
  private readonly known = new Map<string, Verified<Facts>>();

  constructor(private readonly clock: Clock) {}

  find(token: string): Verified<Facts> | undefined {
    const id = idOf(token);
    const found = this.known.get(id);
    if (!found || found.until > this.clock.millis()) return found;
    this.known.delete(id);
    return undefined;
  }

  keep(token: string, verified: Verified<Facts>): void {
    if (this.known.size >= MAX_TOKENS) this.known.delete(this.known.keys().next().value!);
    this.known.set(idOf(token), verified);
  }
}

/** Under which caches keep what they know about a token: the tokens themselves are not stored. */
export const idOf = (token: string): string => hash('sha256', token, 'base64url');
