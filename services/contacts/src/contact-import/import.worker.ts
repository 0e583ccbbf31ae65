import { StepWorker, WorkerContext } from '#libs/jobs';
import { Injectable } from '@nestjs/common';
import { ImportJobs } from './import-jobs.js';
import { Uploads } from './uploads.js';

/** Takes up imports that were left behind by a replica that is gone, or for which there was no room before. */
@Injectable()
export class ImportWorker extends StepWorker {
  constructor(
    private readonly jobs: ImportJobs,
    private readonly uploads: Uploads,
    context: WorkerContext,
  ) {
    super(context, { name: 'imports' });
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await this.jobs.stop();
    await super.beforeApplicationShutdown();
  }

  protected override async step(): Promise<boolean> {
    await this.uploads.abandon();
    return this.jobs.begin();
  }
}
