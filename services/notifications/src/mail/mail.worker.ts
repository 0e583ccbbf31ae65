import { Injectable } from '@nestjs/common';
import { Directory } from '#libs/database';
import { failpoint, Worker, WorkerContext, type ErrorClass } from '#libs/jobs';
import { Metrics } from '#libs/observability';
import { NotificationsConfig } from '../notifications.config.js';
import { render, SETTINGS } from '../template/render.js';
import { MailQueue, type ClaimedMail, type MailEnd } from './mail-queue.js';
import { isAddress } from './mailbox.js';
import { MailRefused, Smtp } from './smtp.js';

const CONCURRENCY = 4;
/** Longer than a mail may take. */
const LEASE_MS = 120_000;
const TIMEOUT_MS = 90_000;
const [MINUTE, HOUR] = [60_000, 3_600_000];
/** About two days, as mail servers do. Greylisting lets a mail pass after some minutes. */
const RETRY = {
  delaysMs: [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR],
  jitter: 0.1,
};

/**
 * Sends waiting mails at least once: after a crash between the server's answer and its record, the mail is sent again, with
 * the same Message-ID. No transaction is open meanwhile.
 */
@Injectable()
export class MailWorker extends Worker<ClaimedMail> {
  private readonly ended;
  private readonly origin: string;

  constructor(
    private readonly queue: MailQueue,
    private readonly smtp: Smtp,
    private readonly directory: Directory,
    private readonly config: NotificationsConfig,
    metrics: Metrics,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'mails',
      batchSize: CONCURRENCY,
      concurrency: CONCURRENCY,
      leaseMs: LEASE_MS,
      timeoutMs: TIMEOUT_MS,
      retry: RETRY,
    });
    this.origin = new URL(config.publicUrl).origin;
    this.ended = metrics.counter('leaver_mails_total', 'Mails by how they ended.', ['status', 'kind']);
  }

  protected override async claim(limit: number): Promise<ClaimedMail[]> {
    return this.smtp.isConfigured ? this.queue.claim(limit, this.isDue(), this.leaseUntil()) : [];
  }

  protected override async run(mail: ClaimedMail): Promise<void> {
    const { to, expiresAt } = mail.request;
    if (expiresAt !== undefined && new Date(expiresAt) <= this.clock.now()) return this.end(mail, 'expired');
    if (mail.suppressed) return this.end(mail, 'suppressed');
    if (!isAddress(to)) return this.end(mail, 'refused', '5.1.3');
    const outgoing = { ...(await this.rendered(mail)), id: mail.id, to, date: this.clock.now() };
    await failpoint('mail.send', () => this.smtp.send(outgoing));
    await this.end(mail, 'sent');
  }

  protected override async failed(mail: ClaimedMail, { kind }: ErrorClass, error: unknown): Promise<Date | undefined> {
    if (error instanceof MailRefused && error.noMailbox) await this.queue.suppress(mail);
    const retryAt = kind === 'permanent' ? undefined : this.retryAt(mail.attempts - 1);
    if (retryAt) await this.queue.reschedule(mail, retryAt);
    else await this.end(mail, 'refused', error instanceof MailRefused ? error.code : 'unanswered');
    return retryAt;
  }

  protected override about({ id: mail, attempts, request: { kind } }: ClaimedMail): object {
    return { mail, kind, attempts };
  }

  private async rendered({ request }: ClaimedMail) {
    const { invitedById, departure } = request;
    const inviter = invitedById && (await this.directory.view(invitedById))?.name;
    const leaver = departure && (await this.directory.view(departure.userId))?.name;
    const rendered = render(request, {
      language: this.config.mailLanguage,
      origin: this.origin,
      ...(inviter && { inviter }),
      ...(leaver && { leaver }),
    });
    return { ...rendered, kind: request.kind, ...(departure && { settingsUrl: `${this.origin}${SETTINGS}` }) };
  }

  private async end(mail: ClaimedMail, status: MailEnd, refusal?: string): Promise<void> {
    await this.queue.end(mail, status, refusal);
    this.ended.inc({ status, kind: mail.request.kind });
  }
}
