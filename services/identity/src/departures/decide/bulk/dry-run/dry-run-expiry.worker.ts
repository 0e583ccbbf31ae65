import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { DryRunStore } from './dry-run-store.js';

/** Each has up to 10,000 rows. */
const BATCH_SIZE = 10;

/** Deletes expired dry runs. Delays do no harm, because readers also check the expiry. */
@Injectable()
export class DryRunExpiryWorker extends StepWorker {
  constructor(
    private readonly store: DryRunStore,
    context: WorkerContext,
  ) {
    super(context, { name: 'bulk-dry-run-expiry' });
  }

  protected async step(): Promise<boolean> {
    return (await this.store.deleteExpired(BATCH_SIZE)) === BATCH_SIZE;
  }
}
