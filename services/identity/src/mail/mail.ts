import { Inject, Injectable } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { NATS } from '#libs/broker';
import { MAIL_SUBJECT, type MailRequest } from '#libs/contracts';
import { AfterCommit } from '#libs/database';
import { Log, Metrics } from '#libs/observability';
import { MailBudgets } from './mail-budgets.js';

/** Publishes requests for emails after the commit, within the budget of the mailbox. */
@Injectable()
export class Mail {
  private readonly withheld: ReturnType<Metrics['counter']>;

  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly afterCommit: AfterCommit,
    private readonly budgets: MailBudgets,
    private readonly log: Log,
    metrics: Metrics,
  ) {
    this.withheld = metrics.counter(
      'leaver_mails_withheld_total',
      'Mails that were not requested because their mailbox had received too many.',
    );
  }

  send(request: MailRequest): void {
    this.afterCommit.run(() => this.publish(request));
  }

  private async publish(request: MailRequest): Promise<void> {
    if (await this.budgets.take(request.to)) return this.nats.publish(MAIL_SUBJECT, JSON.stringify(request));
    this.withheld.inc();
    this.log.warn({ kind: request.kind }, 'mail withheld: its mailbox has received too many');
  }
}
