/** Mails with a token let their reader in. The others tell a former address that another one was asked for, or is used now. */
export const MAIL_KINDS = [
  'invitation',
  'password-reset',
  'email-confirmation',
  'email-change-requested',
  'email-changed',
] as const;

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
  /** When the address was changed, or the change was asked for. */
  at?: string;
}
