import type { MailRequest } from '../identity/mail.js';
import type { Ask } from '../lifecycle.js';

export interface MailToSend extends MailRequest {
  accountId: string;
  /** The user who gets the mail, or got mail at this address before. */
  userId: string;
}

export interface AcceptedMail {
  /** Whether a mail with this id was new. */
  accepted: boolean;
}

/** The mail is stored when this is answered. Repeated until then. Idempotent. */
export const mailsSend: Ask<MailToSend, AcceptedMail> = {
  service: 'notifications',
  subject: 'rpc.notifications.mails.send',
  timeout: 10_000,
  calledBy: ['identity'],
};
