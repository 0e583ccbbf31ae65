import { Injectable } from '@nestjs/common';
import { Ids } from '#libs/database';
import { RotatingEncryption } from '#libs/platform';
import { NotificationsConfig } from '../notifications.config.js';

/** Encrypts the mails that wait, each bound to its id. */
@Injectable()
export class MailEncryption extends RotatingEncryption {
  constructor({ notificationsSecret: current, notificationsSecretPrevious: previous }: NotificationsConfig, ids: Ids) {
    super({ current, previous }, 'mail', ids);
  }
}
