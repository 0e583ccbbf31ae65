import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { DepartureMails } from '../store/mails/departure-mails.js';

const POLL_MS = 600_000;

/** Reminds people of returns three days before them. */
@Injectable()
export class ReturnReminderWorker extends StepWorker {
  constructor(
    private readonly due: DepartureMails,
    context: WorkerContext,
  ) {
    super(context, { name: 'return-reminders', pollMs: POLL_MS });
  }

  protected override async step(): Promise<boolean> {
    await this.due.remindOfReturns();
    return false;
  }
}
