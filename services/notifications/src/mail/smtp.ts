import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PermanentError } from '#libs/jobs';
import { ConfigError } from '#libs/platform';
import { createTransport } from 'nodemailer';
import { NotificationsConfig } from '../notifications.config.js';
import type { Rendered } from '../template/render.js';

/** Longest waits for the mail server, in milliseconds. */
const TIMEOUTS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000, dnsTimeout: 10_000 };
const CONNECTIONS = 4;
/** Reconnects after this many mails, because some servers limit them. */
const MAILS_PER_CONNECTION = 50;
const DEFAULT_PORTS: Record<string, number> = { 'smtp:': 587, 'smtps:': 465 };
/** Enhanced status codes that say that the mailbox does not exist: RFC 3463, X.1.x without those about the sender. */
const NO_MAILBOX = /^\d{3}[ -]5\.1\.(1|2|3|6|10)\b/;
/** Replies of servers without enhanced codes. */
const PLAIN_NO_MAILBOX = /^55[013][ -](?!\d\.\d)/;

export interface OutgoingMail extends Rendered {
  id: string;
  /** For filters of the reader. */
  kind: string;
  to: string;
  date: Date;
  /** Where the reader turns such mails off, if that is possible. */
  settingsUrl?: string;
}

/** The mail server refuses this mail for good. The code is the reply's, without its text, which can hold the address. */
export class MailRefused extends PermanentError {
  constructor(
    readonly code: string,
    /** Whether it says that there is no such mailbox. */
    readonly noMailbox: boolean,
  ) {
    super('The mail server refused the mail');
  }
}

interface SmtpError extends Error {
  command?: string;
  response?: string;
  responseCode?: number;
}

/** Sends mails over SMTP. */
@Injectable()
export class Smtp implements OnApplicationShutdown {
  private readonly transport?: ReturnType<typeof transportOf>;

  constructor(private readonly config: NotificationsConfig) {
    const { smtpUrl, mailFrom, serviceName } = config;
    if (!smtpUrl) return;
    if (!mailFrom) throw new ConfigError(serviceName, ['MAIL_FROM has to be set with SMTP_URL']);
    this.transport = transportOf(config, new URL(smtpUrl));
  }

  /** Whether there is a mail server. */
  get isConfigured(): boolean {
    return this.transport !== undefined;
  }

  /**
   * @throws MailRefused if no repetition can help
   * @throws Error if it may, or if the mail may have been accepted. A repetition has the same Message-ID.
   */
  async send({ id, kind, to, date, subject, text, html, settingsUrl }: OutgoingMail): Promise<void> {
    const { mailFrom: from = '' } = this.config;
    const domain = /@([^\s<>@]+)>?$/.exec(from)?.[1] ?? '';
    try {
      await this.transport!.sendMail({
        from,
        to: { name: '', address: to },
        subject,
        text,
        html,
        date,
        messageId: `<${id}@${domain}>`,
        // No out-of-office replies.
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All', 'X-Leaver-Mail': kind },
        ...(settingsUrl && { list: { unsubscribe: settingsUrl } }),
      });
    } catch (error) {
      throw refusalIn(error as SmtpError) ?? withoutText(error as SmtpError);
    }
  }

  onApplicationShutdown(): void {
    this.transport?.close();
  }
}

function transportOf(config: NotificationsConfig, { protocol, hostname, port, username, password }: URL) {
  const secure = protocol === 'smtps:';
  const user = decodeURIComponent(username);
  return createTransport({
    pool: true,
    maxConnections: CONNECTIONS,
    maxMessages: MAILS_PER_CONNECTION,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || DEFAULT_PORTS[protocol]!,
    secure,
    requireTLS: !secure && config.smtpTls === 'required',
    ...(config.smtpCa && { tls: { ca: config.smtpCa } }),
    ...(user && { auth: { user, pass: decodeURIComponent(password) } }),
    ...TIMEOUTS,
    ...dkimOf(config),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** Replies about the recipient or the message. Others, such as a wrong password of ours, concern all mails and pass. */
function refusalIn({ command, response = '', responseCode = 0 }: SmtpError): MailRefused | undefined {
  if (responseCode < 500 || (command !== 'RCPT TO' && command !== 'DATA')) return undefined;
  const [, enhanced] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})/.exec(response) ?? [];
  const noMailbox = command === 'RCPT TO' && (NO_MAILBOX.test(response) || PLAIN_NO_MAILBOX.test(response));
  return new MailRefused([responseCode, enhanced].filter(Boolean).join(' '), noMailbox);
}

/** The reply's text can hold the address, which no log line may. */
function withoutText({ code, responseCode, command }: SmtpError & { code?: string }): Error {
  const what = responseCode ? `SMTP_${responseCode}` : (code ?? 'SMTP');
  return Object.assign(new Error(`The mail server did not take the mail (${command ?? 'connection'})`), { code: what });
}

/** @throws ConfigError if only some of the settings are given */
function dkimOf({
  serviceName,
  dkimDomain: domainName,
  dkimSelector: keySelector,
  dkimKey: privateKey,
}: NotificationsConfig) {
  if (domainName && keySelector && privateKey) return { dkim: { domainName, keySelector, privateKey } };
  if (!domainName && !keySelector && !privateKey) return {};
  throw new ConfigError(serviceName, ['DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY have to be set together']);
}
