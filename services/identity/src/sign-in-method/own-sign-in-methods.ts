import { Injectable } from '@nestjs/common';
import {
  Problem,
  type AddedPasskey,
  type ConfirmedTotp,
  type NewPasskey,
  type NewTotp,
  type PasskeyOptions,
  type Principal,
  type RecoveryCodes as NewRecoveryCodes,
  type Totp,
} from '#libs/contracts';
import { isoOf } from '../common/moments.js';
import { MethodChanges } from './method-changes.js';
import { Passkeys } from './passkey/passkeys.js';
import { RecoveryCodes } from './recovery-codes.js';
import { SecondFactors } from './second-factors.js';
import { Totps } from './totps.js';

/** What users do with their own passkeys, authenticator apps and recovery codes. In the transaction of the call. */
@Injectable()
export class OwnSignInMethods {
  constructor(
    private readonly changes: MethodChanges,
    private readonly passkeys: Passkeys,
    private readonly totps: Totps,
    private readonly recoveryCodes: RecoveryCodes,
    private readonly factors: SecondFactors,
  ) {}

  /** @throws Problem `step-up-required`, `conflict` */
  async passkeyOptions(principal: Principal): Promise<PasskeyOptions> {
    return this.passkeys.options(await this.changes.begin(principal));
  }

  /** @throws Problem `step-up-required`, `conflict`, `validation` */
  async addPasskey(principal: Principal, wanted: NewPasskey): Promise<AddedPasskey> {
    await this.changes.begin(principal);
    const passkey = await this.passkeys.add(principal.userId, wanted);
    const codes = await this.changes.added(principal, 'passkey', 'passkey.added', { passkeyId: passkey.id });
    return { ...passkey, ...codes };
  }

  /** @throws Problem `step-up-required`, `not-found`, `conflict` */
  async removePasskey(principal: Principal, id: string): Promise<void> {
    await this.changes.begin(principal);
    await this.passkeys.remove(principal.userId, id);
    await this.changes.removed(principal, 'passkey', 'passkey.removed', { passkeyId: id });
  }

  async totp({ userId }: Principal): Promise<Totp> {
    const enabledAt = await this.totps.enabledAt(userId);
    const recoveryCodesLeft = await this.recoveryCodes.countLeft(userId);
    return { enabled: enabledAt !== null, enabledAt: enabledAt === null ? null : isoOf(enabledAt), recoveryCodesLeft };
  }

  /** @throws Problem `step-up-required` */
  async beginTotp(principal: Principal): Promise<NewTotp> {
    const { id, email, name } = await this.changes.begin(principal);
    return this.totps.begin(id, email ?? name ?? id);
  }

  /** @throws Problem `step-up-required`, `conflict`, `validation` */
  async confirmTotp(principal: Principal, code: string): Promise<ConfirmedTotp> {
    await this.changes.begin(principal);
    await this.totps.confirm(principal.userId, code);
    const codes = await this.changes.added(principal, 'authenticator-app', 'totp.enabled');
    return { ...(await this.totp(principal)), ...codes };
  }

  /** @throws Problem `step-up-required`, `not-found`, `conflict` */
  async removeTotp(principal: Principal): Promise<void> {
    await this.changes.begin(principal);
    if (!(await this.totps.remove(principal.userId)))
      throw new Problem('not-found', { detail: 'No authenticator app is set up.' });
    await this.changes.removed(principal, 'authenticator-app', 'totp.disabled');
  }

  /** @throws Problem `step-up-required`; `conflict` without a second factor */
  async replaceRecoveryCodes(principal: Principal): Promise<NewRecoveryCodes> {
    await this.changes.begin(principal);
    if (!(await this.factors.exist(principal.userId)))
      throw new Problem('conflict', { detail: 'Set up a passkey or an authenticator app first.' });
    const codes = await this.recoveryCodes.replace(principal.userId);
    await this.changes.recoveryCodesReplaced(principal);
    return { codes };
  }
}
