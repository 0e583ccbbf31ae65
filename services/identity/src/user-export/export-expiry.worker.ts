import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { ExportStore } from './export-store.js';

/** A file can have many chunks. */
const BATCH_SIZE = 2;

/** Deletes the files of expired exports. Delays do no harm, because readers also check the expiry. */
@Injectable()
export class ExportExpiryWorker extends StepWorker {
  constructor(
    private readonly store: ExportStore,
    context: WorkerContext,
  ) {
    super(context, { name: 'user-export-expiry' });
  }

  protected async step(): Promise<boolean> {
    return (await this.store.expire(BATCH_SIZE)) === BATCH_SIZE;
  }
}
