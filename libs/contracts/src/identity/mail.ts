/**
 * The core NATS subject on which identity requests emails. The operator's mail sender subscribes to it. The broker does not
 * store the requests.
 */
export const MAIL_SUBJECT = 'mail.requested';

export interface MailRequest {
  kind: 'invitation' | 'password-reset';
  /** The email address. */
  to: string;
  /** For accepting the invitation or setting a new password. Valid once. */
  token: string;
  expiresAt: string;
}
