/**
 * Core NATS subject on which identity asks for a message to a person. Whatever sends mail for the operator subscribes to
 * it; the broker stores none of it.
 */
export const MAIL_SUBJECT = 'mail.requested';

export interface MailRequest {
  kind: 'invitation' | 'password-reset';
  /** The email address. */
  to: string;
  /** What the person hands in to accept, or to choose a new password. Good for one use. */
  token: string;
  expiresAt: string;
}
