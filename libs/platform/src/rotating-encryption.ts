import type { Ids } from '#libs/database';
import { hkdfSync } from 'node:crypto';
import { Encryption } from './encryption.js';

export interface Secrets {
  /** Seals and opens. */
  current: string;
  /** Only opens, while it is being replaced. */
  previous?: string;
}

/**
 * Seals under a secret that may be replaced one day: what is sealed begins with a mark of its key, so that what is still
 * sealed under the previous one can be found.
 */
export class RotatingEncryption extends Encryption {
  /** What begins everything that is sealed under the secret in use. Says nothing about the secret. */
  readonly mark: string;
  /** Whether a previous secret is known, too. */
  readonly rotating: boolean;
  private readonly previous?: Encryption;
  private readonly previousMark?: string;

  constructor({ current, previous }: Secrets, purpose: string, ids: Ids) {
    super(current, purpose, ids);
    this.mark = markOf(current, purpose);
    this.rotating = previous !== undefined;
    if (previous === undefined) return;
    this.previous = new Encryption(previous, purpose, ids);
    this.previousMark = markOf(previous, purpose);
  }

  override encrypt(text: string, boundTo: string): string {
    return this.mark + super.encrypt(text, boundTo);
  }

  /** What bears no mark was sealed by an older release, under either of the secrets. */
  override decrypt(sealed: string, boundTo: string): string {
    const body = sealed.slice(this.mark.length);
    if (sealed.startsWith(this.mark)) return super.decrypt(body, boundTo);
    if (this.previousMark && sealed.startsWith(this.previousMark)) return this.previous!.decrypt(body, boundTo);
    try {
      return super.decrypt(sealed, boundTo);
    } catch (error) {
      if (this.previous) return this.previous.decrypt(sealed, boundTo);
      throw error;
    }
  }

  /** Whether it can be opened, by either secret. */
  canDecrypt(sealed: string, boundTo: string): boolean {
    try {
      this.decrypt(sealed, boundTo);
      return true;
    } catch {
      return false;
    }
  }
}

/** The point stands in no base64url: an unmarked text never looks like a marked one. */
const markOf = (secret: string, purpose: string): string =>
  `${Buffer.from(hkdfSync('sha256', secret, '', `leaver ${purpose} mark`, 6)).toString('base64url')}.`;
