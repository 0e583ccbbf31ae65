import { StepWorker, WorkerContext } from '#libs/jobs';
import { Injectable } from '@nestjs/common';
import { SourceRuns } from './source-runs.js';

/** Looks into the folders of import sources when it is time. */
@Injectable()
export class ImportSourceWorker extends StepWorker {
  constructor(
    private readonly runs: SourceRuns,
    context: WorkerContext,
  ) {
    super(context, { name: 'import-sources' });
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await this.runs.stop();
    await super.beforeApplicationShutdown();
  }

  protected override step(): Promise<boolean> {
    return this.runs.begin();
  }
}
