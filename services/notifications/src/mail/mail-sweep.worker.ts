import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { MailQueue } from './mail-queue.js';

const POLL_MS = 3_600_000;

/** Deletes mails and suppressions that have ended long ago. */
@Injectable()
export class MailSweep extends StepWorker {
  constructor(
    private readonly queue: MailQueue,
    context: WorkerContext,
  ) {
    super(context, { name: 'mail-sweep', pollMs: POLL_MS });
  }

  protected override step(): Promise<boolean> {
    return this.queue.sweep();
  }
}
