import { createCipheriv, createDecipheriv } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts the chunks of one export, each bound to its place. */
export class ExportCipher {
  /** @param key 32 bytes in base64url, only for this export */
  constructor(
    private readonly key: string,
    private readonly exportId: string,
  ) {}

  /** @param nonce random, in base64url */
  encrypt(n: number, data: Buffer, nonce: string): Buffer {
    const iv = Buffer.from(nonce, 'base64url');
    const cipher = createCipheriv(ALGORITHM, this.secret(), iv).setAAD(this.place(n));
    const body = Buffer.concat([cipher.update(data), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]);
  }

  /** @throws Error if the chunk was changed or is not the chunk `n` of this export */
  decrypt(n: number, bytes: Buffer): Buffer {
    const decipher = createDecipheriv(ALGORITHM, this.secret(), bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.place(n)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  }

  private secret(): Buffer {
    return Buffer.from(this.key, 'base64url');
  }

  private place(n: number): Buffer {
    return Buffer.from(`${this.exportId} ${n}`);
  }
}
