import { Injectable } from '@nestjs/common';
import { Ids } from '#libs/database';
import { RotatingEncryption } from '#libs/platform';
import { IdentityConfig } from '../identity.config.js';

/** Encrypts keys in the database, each bound to the id of its row: those that sign, and those of exports. */
@Injectable()
export class KeyEncryption extends RotatingEncryption {
  constructor({ leaverSecret, leaverSecretPrevious }: IdentityConfig, ids: Ids) {
    super({ current: leaverSecret, previous: leaverSecretPrevious }, 'signing key', ids);
  }
}
