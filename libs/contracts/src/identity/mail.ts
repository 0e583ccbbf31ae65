/** Mails with a token let their reader in. The others tell of changes of an address or of signing in. */
export const MAIL_KINDS = [
  'invitation',
  'password-reset',
  'email-confirmation',
  'email-change-requested',
  'email-changed',
  'email-now-used',
  'password-changed',
  'sign-in-method-added',
  'sign-in-method-removed',
] as const;

/** Besides the password. */
export const SIGN_IN_METHODS = ['passkey', 'authenticator-app', 'recovery-codes', 'single-sign-on'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

export interface MailRequest {
  /** A request can be repeated after a crash; it then has the same id. */
  id: string;
  kind: (typeof MAIL_KINDS)[number];
  /** The email address. */
  to: string;
  /** For accepting the invitation, setting a new password or confirming the new address. Valid once. */
  token?: string;
  expiresAt?: string;
  /** The user who has sent the invitation. Absent if an identity provider has. */
  invitedById?: string;
  method?: SignInMethod;
  /** When it was changed, or the change was asked for. */
  at?: string;
}
