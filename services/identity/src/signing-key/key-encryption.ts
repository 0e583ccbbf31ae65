import { Injectable } from '@nestjs/common';
import { Ids } from '#libs/database';
import { RotatingEncryption } from '#libs/platform';
import { IdentityConfig } from '../identity.config.js';

/** Encrypts the signing keys in the database, each bound to its id. */
@Injectable()
export class KeyEncryption extends RotatingEncryption {
  constructor({ leaverSecret, leaverSecretPrevious }: IdentityConfig, ids: Ids) {
    super({ current: leaverSecret, previous: leaverSecretPrevious }, 'signing key', ids);
  }
}
