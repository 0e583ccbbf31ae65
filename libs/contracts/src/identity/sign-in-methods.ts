import { Flag, Id, Json, Moment, Pattern, Text, Texts, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';

/** What proves, besides the password, that a user signs in. A passkey also replaces the password. */
export const SECOND_FACTORS = ['passkey', 'totp', 'recovery-code'] as const;
export type SecondFactor = (typeof SECOND_FACTORS)[number];

/** Who must have a second factor. */
export const MFA = ['off', 'managers', 'everybody'] as const;
export type Mfa = (typeof MFA)[number];

export const PASSKEYS_MAX = 20;

/** A code of an authenticator app. */
export const TotpCode = (presence: { optional?: boolean; about?: string } = {}) =>
  Pattern(/^\d{6}$/, 'the six digits that the authenticator app shows', presence);

/** The answer of the browser to options of `PasskeyOptions`. */
export const PasskeyCredential = (presence: { optional?: boolean; about?: string } = {}) =>
  Json({ about: '`toJSON()` of the `PublicKeyCredential` that the browser has answered with.', ...presence });

/** Left out when it is false. */
export const SecondFactorMissing = () =>
  Flag({
    optional: true,
    about:
      'The policy asks for a second factor, and you have none: with this session you can only set one up. ' +
      'Other operations answer 403 `second-factor-missing` until you have.',
  });

/** Proves who a user is, in place of the password or beside it. */
export class SecondFactorProof {
  @TotpCode({ optional: true, about: 'The code that the authenticator app shows. It counts once.' }) totp?: string;
  @Text({ optional: true, max: 100, about: 'Counts once.' }) recoveryCode?: string;
  @PasskeyCredential({
    optional: true,
    about: 'The answer of the browser to `POST /v1/auth/passkey/options`: `toJSON()` of its `PublicKeyCredential`.',
  })
  passkey?: Record<string, unknown>;
}

/** One of these. With a second factor, the password alone is not enough. */
export class StepUp extends SecondFactorProof {
  @Text({ max: 256, optional: true, about: 'Your password.' }) password?: string;
}

export class Proof {
  @Moment({ about: 'Until then you can change what lets you in.' }) provenUntil: string;
}

export class PasskeyOptions {
  @Json({
    about:
      'For `navigator.credentials`, after `PublicKeyCredential.parseCreationOptionsFromJSON` or ' +
      '`parseRequestOptionsFromJSON`. They count for five minutes, once.',
  })
  publicKey: Record<string, unknown>;
}

export class Passkey {
  @Id() id: string;
  @Text({ max: 100 }) name: string;
  @Moment() createdAt: string;
  @Moment({ nullable: true }) lastUsedAt: string | null;
  @Flag({ about: 'Whether it is kept by a password manager on several devices.' }) backedUp: boolean;
}

export class NewPasskey {
  @Text({ max: 100, about: 'By which you recognize it, like `Phone`.' }) name: string;
  @PasskeyCredential() credential: Record<string, unknown>;
}

const RECOVERY_CODE = /^[0-9a-z]{4}(-[0-9a-z]{4}){3}$/;
const CODES_ABOUT = 'Each counts once in place of another second factor. Shown only now.';

export class AddedPasskey extends Passkey {
  @Texts(RECOVERY_CODE, 'a recovery code', {
    optional: true,
    about: `With your first second factor. ${CODES_ABOUT}`,
  })
  recoveryCodes?: string[];
}

export class Totp {
  @Flag({ about: 'Whether an authenticator app is set up.' }) enabled: boolean;
  @Moment({ nullable: true }) enabledAt: string | null;
  @Whole({ max: 10, about: 'Recovery codes that have not been used.' }) recoveryCodesLeft: number;
}

export class NewTotp {
  @Text({ about: 'In base32, for apps that read no pictures. Shown only now.' }) secret: string;
  @Text({ max: 1_000, about: '`otpauth://…`, for a QR code.' }) uri: string;
}

export class TotpConfirmation {
  @TotpCode() code: string;
}

export class ConfirmedTotp extends Totp {
  @Texts(RECOVERY_CODE, 'a recovery code', {
    optional: true,
    about: `With your first second factor. ${CODES_ABOUT}`,
  })
  recoveryCodes?: string[];
}

export class RecoveryCodes {
  @Texts(RECOVERY_CODE, 'a recovery code', { about: CODES_ABOUT }) codes: string[];
}

const mine = { service: 'identity', access: 'signed-in' } as const;

export const passkeySignInOptions = operation<PasskeyOptions>({
  service: 'identity',
  id: 'auth.passkey.options',
  method: 'POST',
  path: '/v1/auth/passkey/options',
  summary: 'Options for signing in, or proving again who you are, with a passkey',
  ignoresIdempotencyKey: 'Options count once.',
  answer: PasskeyOptions,
  status: 200,
  access: 'public',
});

export const myPasskeysList = operation<Page<Passkey>, NoBody, ListQuery>({
  ...mine,
  id: 'me.passkeys.list',
  method: 'GET',
  path: '/v1/me/passkeys',
  summary: 'List my passkeys',
  query: ListQuery,
  answer: pageOf(Passkey),
});

export const myPasskeyOptions = operation<PasskeyOptions>({
  ...mine,
  id: 'me.passkeys.options',
  method: 'POST',
  path: '/v1/me/passkeys/options',
  summary: 'Options for making a passkey',
  ignoresIdempotencyKey: 'Options count once.',
  answer: PasskeyOptions,
  status: 200,
  errors: ['step-up-required', 'conflict'],
});

export const myPasskeysCreate = operation<AddedPasskey, NewPasskey>({
  ...mine,
  id: 'me.passkeys.create',
  method: 'POST',
  path: '/v1/me/passkeys',
  summary: 'Add a passkey',
  body: NewPasskey,
  answer: AddedPasskey,
  location: '/v1/me/passkeys',
  errors: ['step-up-required', 'conflict'],
});

export const myPasskeysRemove = operation({
  ...mine,
  id: 'me.passkeys.remove',
  method: 'DELETE',
  access: 'record-owner',
  path: '/v1/me/passkeys/:id',
  summary: 'Remove a passkey',
  errors: ['step-up-required', 'not-found', 'conflict'],
});

export const myTotpGet = operation<Totp>({
  ...mine,
  id: 'me.totp.get',
  method: 'GET',
  path: '/v1/me/totp',
  summary: 'Whether my authenticator app is set up',
  answer: Totp,
});

export const myTotpCreate = operation<NewTotp>({
  ...mine,
  id: 'me.totp.create',
  method: 'POST',
  path: '/v1/me/totp',
  summary: 'Begin to set up an authenticator app; a former one counts until the new one is confirmed',
  ignoresIdempotencyKey: 'Each call begins with another secret, and only the last one can be confirmed.',
  answer: NewTotp,
  status: 200,
  errors: ['step-up-required'],
});

export const myTotpConfirm = operation<ConfirmedTotp, TotpConfirmation>({
  ...mine,
  id: 'me.totp.confirm',
  method: 'POST',
  path: '/v1/me/totp/confirm',
  summary: 'Confirm the authenticator app with a code of it, within an hour',
  ignoresIdempotencyKey: 'A code counts once.',
  body: TotpConfirmation,
  answer: ConfirmedTotp,
  status: 200,
  errors: ['step-up-required', 'conflict'],
});

export const myTotpRemove = operation({
  ...mine,
  id: 'me.totp.remove',
  method: 'DELETE',
  path: '/v1/me/totp',
  summary: 'Remove the authenticator app',
  errors: ['step-up-required', 'not-found', 'conflict'],
});

export const myRecoveryCodesCreate = operation<RecoveryCodes>({
  ...mine,
  id: 'me.recovery-codes.create',
  method: 'POST',
  path: '/v1/me/recovery-codes',
  summary: 'Replace my recovery codes',
  ignoresIdempotencyKey: 'Each call replaces the former codes.',
  answer: RecoveryCodes,
  status: 200,
  errors: ['step-up-required', 'conflict'],
});

export const usersSignInMethodsReset = operation({
  service: 'identity',
  id: 'users.sign-in-methods.reset',
  method: 'DELETE',
  access: MANAGERS,
  path: '/v1/users/:id/sign-in-methods',
  summary: 'Remove passkeys, authenticator app and recovery codes of a user, whose sessions end; the password stays',
  errors: ['forbidden', 'step-up-required', 'not-found'],
});
