import type { Ids } from '#libs/database';
import { hkdfSync } from 'node:crypto';
import { Encryption } from './encryption.js';

export interface Secrets {
  /** Encrypts and decrypts. */
  current: string;
  /** Only decrypts, while it is being replaced. */
  previous?: string;
}

/**
 * Encryption with a replaceable secret. Each text starts with a mark of its key, so that texts of the previous secret
 * can be found.
 */
export class RotatingEncryption extends Encryption {
  /** The prefix of all texts encrypted with the current secret. It reveals nothing about the secret. */
  readonly mark: string;
  /** Whether a previous secret is configured. */
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

  /** A text without a mark is from an older release and may be encrypted with either secret. */
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

  /** Whether either secret decrypts the text. */
  canDecrypt(sealed: string, boundTo: string): boolean {
    try {
      this.decrypt(sealed, boundTo);
      return true;
    } catch {
      return false;
    }
  }
}

/** The dot is not a base64url character, so an unmarked text never looks like a marked one. */
const markOf = (secret: string, purpose: string): string =>
  `${Buffer.from(hkdfSync('sha256', secret, '', `leaver ${purpose} mark`, 6)).toString('base64url')}.`;
