import type { NatsConnection } from '@nats-io/transport-node';
import type { MailRequest } from '#libs/contracts';

/**
 * The first mails that are requested during the work, by kind.
 * @param mailbox a connection of the broker user `mailer`
 */
export async function mailsDuring(
  mailbox: NatsConnection,
  count: number,
  work: () => Promise<unknown>,
): Promise<Map<MailRequest['kind'], MailRequest>> {
  const subscription = mailbox.subscribe('mail.requested', { max: count });
  await mailbox.flush();
  await work();
  const mails: MailRequest[] = [];
  for await (const message of subscription) mails.push(message.json<MailRequest>());
  return new Map(mails.map((mail) => [mail.kind, mail]));
}
