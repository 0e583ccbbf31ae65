import { Injectable } from '@nestjs/common';
import { Ids } from '#libs/database';
import { RotatingEncryption } from '#libs/platform';
import { IdentityConfig } from '../identity.config.js';

/**
 * Encrypts in the database what signs, keys of exports, waiting mails and secrets of authenticator apps, each bound to the id of
 * its row.
 */
@Injectable()
export class KeyEncryption extends RotatingEncryption {
  constructor({ leaverSecret, leaverSecretPrevious }: IdentityConfig, ids: Ids) {
    super({ current: leaverSecret, previous: leaverSecretPrevious }, 'signing key', ids);
  }
}
