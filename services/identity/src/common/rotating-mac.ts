import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { IdentityConfig } from '../identity.config.js';

/**
 * Signs texts for one purpose with a key of `LEAVER_SECRET`. During its rotation, what was signed with the previous secret is
 * still accepted.
 */
export class RotatingMac {
  /** The first key signs. The others only verify. */
  private readonly keys: Buffer[];

  /** @param purpose part of the key, so that a signature for another purpose is not accepted */
  constructor({ leaverSecret, leaverSecretPrevious }: IdentityConfig, purpose: string) {
    const secrets = [leaverSecret, ...(leaverSecretPrevious ? [leaverSecretPrevious] : [])];
    this.keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', `leaver ${purpose}`, 32)));
  }

  sign(text: string): Buffer {
    return macOf(this.keys[0]!, text);
  }

  accepts(text: string, given: Buffer): boolean {
    const expected = this.keys.map((key) => macOf(key, text));
    return expected.some((one) => one.length === given.length && timingSafeEqual(one, given));
  }
}

const macOf = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
