import { Inject, Injectable } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import { NATS } from '#libs/broker';
import { MAIL_SUBJECT, type MailRequest } from '#libs/contracts';
import { AfterCommit } from '#libs/database';

/** Publishes requests for emails after the commit. */
@Injectable()
export class Mail {
  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly afterCommit: AfterCommit,
  ) {}

  send(request: MailRequest): void {
    this.afterCommit.run(async () => this.nats.publish(MAIL_SUBJECT, JSON.stringify(request)));
  }
}
