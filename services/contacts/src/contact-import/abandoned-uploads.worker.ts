import { StepWorker, WorkerContext } from '#libs/jobs';
import { Injectable } from '@nestjs/common';
import { Uploads } from './uploads.js';

/** Fails uploads that have received no piece for an hour. */
@Injectable()
export class AbandonedUploads extends StepWorker {
  constructor(
    private readonly uploads: Uploads,
    context: WorkerContext,
  ) {
    super(context, { name: 'abandoned-uploads' });
  }

  protected override async step(): Promise<boolean> {
    await this.uploads.abandon();
    return false;
  }
}
