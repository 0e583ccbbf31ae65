import { hash, sign, verify } from 'node:crypto';
import type { ServiceKeys } from './service-keys.js';

/** Header with the access token of the user on whose behalf a call is made. */
export const AUTHORIZATION = 'authorization';
/** Header with the signature of the calling service. */
export const CALL_SIGNATURE = 'call-signature';

/** Milliseconds after which a signature is not valid any more. */
export const SIGNATURE_LIFETIME_MS = 30_000;
/** Milliseconds that the clock of the caller may be ahead. */
const MAX_AHEAD_MS = 5_000;
const VERSION = 'leaver-call-1';

/** What a signature binds together. */
export interface SignedCall {
  subject: string;
  packet: Uint8Array | string;
  /** The value of the header `authorization`; empty if there is none. */
  authorization: string;
}

export type SignatureFault = 'unsigned' | 'malformed' | 'unknown-caller' | 'wrong-signature' | 'expired' | 'replayed';

/** Signs the calls of this process: `<version>.<caller>.<time>.<id>.<signature>`. */
export class CallSigner {
  private calls = 0;

  /** @param prefix random, so that no other process signs a call with the same id */
  constructor(
    private readonly keys: ServiceKeys,
    private readonly prefix: string,
  ) {}

  // The time is that of the machine, also in tests that move the clock: it is about the way between two processes.
  sign(call: SignedCall, at = Date.now()): string {
    const id = `${this.prefix}-${(this.calls++).toString(36)}`;
    const stamp = [VERSION, this.keys.name, at, id].join('.');
    return `${stamp}.${sign(null, contentOf(stamp, call), this.keys.privateKey).toString('base64url')}`;
  }
}

/** Verifies the signatures of calls. Each is accepted once. */
export class CallVerifier {
  private readonly seen = new SeenIds();

  constructor(private readonly keys: ServiceKeys) {}

  /** @returns the name of the calling service, or what is wrong */
  verify(signature: string, call: SignedCall, now = Date.now()): { caller: string } | { fault: SignatureFault } {
    if (signature === '') return { fault: 'unsigned' };
    const [version, caller = '', time = '', id = '', value = '', ...rest] = signature.split('.');
    if (version !== VERSION || rest.length > 0 || !/^\d{1,15}$/.test(time)) return { fault: 'malformed' };
    const keys = this.keys.of(caller);
    if (keys.length === 0) return { fault: 'unknown-caller' };
    const content = contentOf([version, caller, time, id].join('.'), call);
    const bytes = Buffer.from(value, 'base64url');
    if (!keys.some((key) => verify(null, content, key, bytes))) return { fault: 'wrong-signature' };
    const age = now - Number(time);
    if (age > SIGNATURE_LIFETIME_MS || age < -MAX_AHEAD_MS) return { fault: 'expired' };
    // Only ids of verified signatures are remembered, so nobody else can fill the memory.
    return this.seen.add(`${caller}.${id}`) ? { caller } : { fault: 'replayed' };
  }
}

const contentOf = (stamp: string, { subject, packet, authorization }: SignedCall): Buffer =>
  Buffer.from(
    [stamp, subject, hash('sha256', packet, 'base64url'), hash('sha256', authorization, 'base64url')].join('\n'),
  );

/** Remembers ids for at least as long as a signature can be valid. */
class SeenIds {
  private latest = new Set<string>();
  private former = new Set<string>();
  private since = performance.now();

  /** @returns false if it has been added before */
  add(id: string): boolean {
    const now = performance.now();
    if (now - this.since > SIGNATURE_LIFETIME_MS + MAX_AHEAD_MS) {
      this.former = this.latest;
      this.latest = new Set();
      this.since = now;
    }
    if (this.latest.has(id) || this.former.has(id)) return false;
    this.latest.add(id);
    return true;
  }
}
