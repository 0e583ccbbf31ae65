import type { NatsConnection } from '@nats-io/transport-node';
import { closeNats, connectNats } from '#libs/broker';
import { mailsSend, type MailToSend } from '#libs/contracts';

/** Takes mails in place of the notifications service. */
export class MailService {
  readonly mails: MailToSend[] = [];

  private constructor(private readonly nats: NatsConnection) {}

  static async start(brokerUrl: string): Promise<MailService> {
    const nats = await connectNats({ url: brokerUrl, name: 'mail-service' });
    const service = new MailService(nats);
    nats.subscribe(mailsSend.subject, {
      callback: (_error, message) => {
        service.mails.push(message.json<{ data: MailToSend }>().data);
        message.respond(JSON.stringify({ response: { accepted: true }, isDisposed: true }));
      },
    });
    await nats.flush();
    return service;
  }

  /** The mails to this address so far. */
  to(address: string): MailToSend[] {
    return this.mails.filter(({ to }) => to === address);
  }

  stop(): Promise<void> {
    return closeNats(this.nats);
  }
}
