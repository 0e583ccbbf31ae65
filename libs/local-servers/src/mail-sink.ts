import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { SMTPServer } from 'smtp-server';
import type { ServerTls } from './server-tls.js';

export interface SunkMail {
  from: string;
  /** The recipients of the envelope. */
  to: string[];
  /** As it was sent, with all headers. */
  source: string;
  /** Whether the connection was encrypted. */
  secure: boolean;
}

export interface MailSinkOptions {
  port?: number;
  /** Offers STARTTLS with this certificate. */
  tls?: ServerTls;
  /** The sender has to sign in with this name and password. */
  login?: { user: string; password: string };
  onMail?: (mail: SunkMail) => void;
}

/** An answer with which the sink refuses a recipient or a mail, like `550 5.1.1 No such mailbox`. */
type Reply = string | undefined;

/** A mail server that takes mails and delivers none, for looking at them. */
export class MailSink {
  readonly mails: SunkMail[] = [];
  /** Decides about a recipient. By default all are accepted. */
  refuseRecipient: (address: string) => Reply = () => undefined;
  /** Decides about a mail that has arrived. By default all are accepted. */
  refuseMail: (mail: SunkMail) => Reply = () => undefined;

  private constructor(
    private readonly server: SMTPServer,
    private readonly onMail: (mail: SunkMail) => void,
  ) {}

  static async start({ port = 0, tls, login, onMail = () => undefined }: MailSinkOptions = {}): Promise<MailSink> {
    // Loaded here, so that others who use this library need not install it.
    const { SMTPServer } = await import('smtp-server');
    const server = new SMTPServer({
      logger: false,
      authOptional: !login,
      allowInsecureAuth: true,
      disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
      ...(tls && { cert: tls.certificate, key: tls.key }),
      disableReverseLookup: true,
      onAuth: ({ username, password }, _session, done) => {
        const isRight = username === login?.user && password === login?.password;
        done(isRight ? null : replyError('535 5.7.8 Wrong password'), { user: username });
      },
      onRcptTo: ({ address }, _session, done) => done(replyError(sink.refuseRecipient(address))),
      onData: (stream, { envelope, secure }, done) => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        const to = envelope.rcptTo.map(({ address }) => address);
        buffer(stream).then(
          (source) => done(sink.take({ from, to, source: source.toString(), secure })),
          (error: Error) => done(error),
        );
      },
    });
    // A client that goes away.
    server.on('error', () => undefined);
    const sink = new MailSink(server, onMail);
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    return sink;
  }

  get port(): number {
    return (this.server.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  stop(): Promise<void> {
    return new Promise((closed) => this.server.close(closed));
  }

  private take(mail: SunkMail): Error | null {
    const refused = replyError(this.refuseMail(mail));
    if (refused) return refused;
    this.mails.push(mail);
    this.onMail(mail);
    return null;
  }
}

function replyError(reply: Reply): Error | null {
  if (reply === undefined) return null;
  const [, code, text] = /^(\d{3}) (.*)$/.exec(reply)!;
  return Object.assign(new Error(text), { responseCode: Number(code) });
}
