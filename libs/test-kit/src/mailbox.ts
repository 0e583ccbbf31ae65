import { eventually, MailSink, type MailSinkOptions } from '#libs/local-servers';

/** A mail as its reader sees it. */
export interface ReadMail {
  id: string;
  to: string[];
  from: string;
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
  secure: boolean;
}

/** The mailboxes of everybody in a test. */
export class Mailboxes {
  private constructor(readonly sink: MailSink) {}

  static async open(options: MailSinkOptions = {}): Promise<Mailboxes> {
    return new Mailboxes(await MailSink.start(options));
  }

  /** All mails to this address so far. */
  async of(address: string): Promise<ReadMail[]> {
    return (await this.all()).filter(({ to }) => to.includes(address));
  }

  /** All mails so far, in the order in which they arrived. */
  async all(): Promise<ReadMail[]> {
    const { default: PostalMime } = await import('postal-mime');
    return Promise.all(
      this.sink.mails.map(async ({ source, to, secure }) => {
        const mail = await PostalMime.parse(source);
        return {
          id: mail.messageId ?? '',
          to,
          from: mail.from?.address ?? '',
          subject: mail.subject ?? '',
          text: mail.text ?? '',
          html: mail.html ?? '',
          headers: Object.fromEntries(mail.headers.map(({ key, value }) => [key, value])),
          secure,
        };
      }),
    );
  }

  /** Waits until this many mails have arrived at the address. */
  arrivedAt(address: string, count = 1): Promise<ReadMail[]> {
    return eventually(async () => {
      const mails = await this.of(address);
      if (mails.length < count) throw new Error(`${mails.length} of ${count} mails have arrived`);
      return mails;
    });
  }

  close(): Promise<void> {
    return this.sink.stop();
  }
}

/** The token in the link of a mail. */
export const tokenIn = ({ text }: ReadMail): string | undefined => /#token=([\w-]+)/.exec(text)?.[1];
