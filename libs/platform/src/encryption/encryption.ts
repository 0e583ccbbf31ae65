import type { Ids } from '#libs/database';
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;

/** Encrypts data at rest: AES-256-GCM under a key that is derived from a secret for one purpose. */
export class Encryption {
  private readonly key: Buffer;

  /** @param purpose separates keys derived from the same secret */
  constructor(
    secret: string,
    purpose: string,
    private readonly ids: Ids,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', `leaver ${purpose}`, 32));
  }

  /**
   * @param boundTo the owner, an account or a key id: decryption needs the same value
   * @returns nonce, tag and ciphertext in base64url
   */
  encrypt(text: string, boundTo: string): string {
    const nonce = Buffer.from(this.ids.secret(NONCE), 'base64url');
    const cipher = createCipheriv(ALGORITHM, this.key, nonce).setAAD(Buffer.from(boundTo));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
  }

  /** @throws Error when the secret, the purpose or `boundTo` differs, or the text was changed */
  decrypt(sealed: string, boundTo: string): string {
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv(ALGORITHM, this.key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(boundTo)).setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8');
  }
}
