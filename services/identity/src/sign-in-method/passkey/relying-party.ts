import { Injectable } from '@nestjs/common';
import { IdentityConfig } from '../../identity.config.js';

const LOCAL = /^http:\/\/localhost(:\d{1,5})?$/;

/** What passkeys belong to: the host at which people open the pages. */
@Injectable()
export class RelyingParty {
  readonly name = 'Leaver';
  /** The host name. A browser uses a passkey only there. */
  readonly id: string;
  private readonly origin: string | undefined;

  constructor({ publicUrl }: IdentityConfig) {
    const url = publicUrl === undefined ? undefined : new URL(publicUrl);
    this.origin = url?.origin;
    this.id = url?.hostname ?? 'localhost';
  }

  /** Whether a page of this origin may use the passkeys. */
  accepts(origin: string): boolean {
    return this.origin === undefined ? LOCAL.test(origin) : origin === this.origin;
  }
}
