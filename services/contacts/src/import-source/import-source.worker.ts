import { Log } from '#libs/observability';
import { Worker } from '#libs/jobs';
import { Injectable } from '@nestjs/common';
import { SourceRuns } from './source-runs.js';

/** Looks into the folders of import sources when it is time. */
@Injectable()
export class ImportSourceWorker extends Worker {
  constructor(
    private readonly runs: SourceRuns,
    log: Log,
  ) {
    super(log);
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await this.runs.stop();
    await super.beforeApplicationShutdown();
  }

  protected override step(): Promise<boolean> {
    return this.runs.begin();
  }
}
