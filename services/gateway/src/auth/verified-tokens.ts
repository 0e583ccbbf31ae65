import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import type { CryptoKey } from 'jose';
import { hash } from 'node:crypto';

/** What a token was found to say, by which key, and for how long that holds. */
export interface Verified<Facts> {
  facts: Facts;
  kid: string;
  key: CryptoKey;
  /** Milliseconds since 1970. */
  until: number;
}

/** As many people may be at work through one gateway before a token has to be verified again; 2 MB. */
const MOST = 10_000;

/**
 * Tokens whose signature was good. A client sends the same token for five minutes, and verifying it costs as much as the
 * rest of the request; whether its key and its session are still good is asked each time. Known by their hash: the
 * tokens themselves are not kept.
 */
@Injectable()
export class VerifiedTokens<Facts> {
  /** In the order in which they were verified. */
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
    if (this.known.size >= MOST) this.known.delete(this.known.keys().next().value!);
    this.known.set(idOf(token), verified);
  }
}

const idOf = (token: string): string => hash('sha256', token, 'base64url');
