import { Injectable } from '@nestjs/common';
import { Problem, type SignedIn } from '#libs/contracts';
import type { OpenedBy } from '../session/sessions.js';
import { PasskeySignIns } from '../sign-in-method/passkey/passkey-sign-ins.js';
import { SecondFactors } from '../sign-in-method/second-factors.js';
import { SessionOpenings } from './session-openings.js';

/** Signs in with a passkey alone: it is bound to our pages, and its authenticator has verified the user. */
@Injectable()
export class PasskeyLogin {
  constructor(
    private readonly passkeys: PasskeySignIns,
    private readonly factors: SecondFactors,
    private readonly openings: SessionOpenings,
  ) {}

  /**
   * @throws Problem `invalid-credentials`; with a right passkey `account-inactive` for a deactivated or suspended user, and
   *   `sso-required` where only the account's provider signs users in
   */
  async login(passkey: Record<string, unknown>, by: OpenedBy): Promise<SignedIn> {
    const owner = await this.passkeys.ownerOf(passkey);
    if (!owner) throw new Problem('invalid-credentials', { detail: 'This passkey is not known here.' });
    const { accountId, userId, status, suspended, mustUseSso } = owner;
    return this.factors.check(owner, { passkey }, () => {
      if (status !== 'active' || suspended) throw new Problem('account-inactive');
      if (mustUseSso) throw new Problem('sso-required');
      return this.openings.open({ accountId, userId, passwordHash: null }, by, 'passkey');
    });
  }
}
