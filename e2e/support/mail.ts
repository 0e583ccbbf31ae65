import type { NatsConnection } from '@nats-io/transport-node';
import type { MailRequest } from '#libs/contracts';

/**
 * The first mail that is requested during the work.
 * @param mailbox a connection of the broker user `mailer`
 */
export async function mailDuring(mailbox: NatsConnection, work: () => Promise<unknown>): Promise<MailRequest> {
  const mails = mailbox.subscribe('mail.requested', { max: 1 });
  await mailbox.flush();
  await work();
  for await (const message of mails) return message.json<MailRequest>();
  throw new Error('no mail was asked for');
}
