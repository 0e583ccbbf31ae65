import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Ids } from '#libs/database';
import { IntegrationsConfig } from './integrations.config.js';

const NONCE = 12;
const TAG = 16;

/** Encrypts what must not be readable in the database, with AES-256-GCM, bound to the account it belongs to. */
@Injectable()
export class Sealing {
  private readonly key: Buffer;

  constructor(
    { integrationsSecret }: IntegrationsConfig,
    private readonly ids: Ids,
  ) {
    this.key = Buffer.from(hkdfSync('sha256', integrationsSecret, '', 'leaver integrations', 32));
  }

  /** Nonce, tag and text, in base64url. */
  seal(text: string, accountId: string): string {
    const nonce = Buffer.from(this.ids.secret(NONCE), 'base64url');
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(accountId));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
  }

  /** @throws Error when it was sealed under another secret or for another account */
  open(sealed: string, accountId: string): string {
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(accountId)).setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8');
  }
}
