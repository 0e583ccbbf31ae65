import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  myPasskeyOptions,
  myPasskeysCreate,
  myPasskeysList,
  myPasskeysRemove,
  myRecoveryCodesCreate,
  myTotpConfirm,
  myTotpCreate,
  myTotpGet,
  myTotpRemove,
  passkeySignInOptions,
  type AddedPasskey,
  type CallOf,
  type ConfirmedTotp,
  type NewTotp,
  type Page,
  type Passkey,
  type PasskeyOptions,
  type RecoveryCodes,
  type Totp,
} from '#libs/contracts';
import { OwnSignInMethods } from './own-sign-in-methods.js';
import { PasskeySignIns } from './passkey/passkey-sign-ins.js';
import { Passkeys } from './passkey/passkeys.js';

@Controller()
export class SignInMethodController {
  constructor(
    private readonly own: OwnSignInMethods,
    private readonly passkeys: Passkeys,
    private readonly passkeySignIns: PasskeySignIns,
  ) {}

  @Handles(passkeySignInOptions, {
    transaction: false,
    acrossAccounts: 'Options are the same for everybody. Nothing is looked up.',
  })
  signInOptions(): Promise<PasskeyOptions> {
    return this.passkeySignIns.options();
  }

  @Handles(myPasskeysList)
  listPasskeys({ principal, query }: CallOf<typeof myPasskeysList>): Promise<Page<Passkey>> {
    return this.passkeys.page(principal.userId, query);
  }

  @Handles(myPasskeyOptions)
  passkeyOptions({ principal }: CallOf<typeof myPasskeyOptions>): Promise<PasskeyOptions> {
    return this.own.passkeyOptions(principal);
  }

  @Handles(myPasskeysCreate)
  addPasskey({ principal, body }: CallOf<typeof myPasskeysCreate>): Promise<AddedPasskey> {
    return this.own.addPasskey(principal, body);
  }

  @Handles(myPasskeysRemove)
  removePasskey({ principal, params }: CallOf<typeof myPasskeysRemove>): Promise<void> {
    return this.own.removePasskey(principal, params.id!);
  }

  @Handles(myTotpGet)
  totp({ principal }: CallOf<typeof myTotpGet>): Promise<Totp> {
    return this.own.totp(principal);
  }

  @Handles(myTotpCreate)
  beginTotp({ principal }: CallOf<typeof myTotpCreate>): Promise<NewTotp> {
    return this.own.beginTotp(principal);
  }

  @Handles(myTotpConfirm)
  confirmTotp({ principal, body }: CallOf<typeof myTotpConfirm>): Promise<ConfirmedTotp> {
    return this.own.confirmTotp(principal, body.code);
  }

  @Handles(myTotpRemove)
  removeTotp({ principal }: CallOf<typeof myTotpRemove>): Promise<void> {
    return this.own.removeTotp(principal);
  }

  @Handles(myRecoveryCodesCreate)
  replaceRecoveryCodes({ principal }: CallOf<typeof myRecoveryCodesCreate>): Promise<RecoveryCodes> {
    return this.own.replaceRecoveryCodes(principal);
  }
}
