import { Clock, Ids } from '#libs/database';
import { Log, Metrics } from '#libs/observability';
import { Injectable } from '@nestjs/common';

/** The dependencies that all workers share. */
@Injectable()
export class WorkerContext {
  readonly seconds: ReturnType<typeof secondsOf>;
  readonly errors: ReturnType<typeof errorsOf>;

  constructor(
    readonly clock: Clock,
    readonly ids: Ids,
    readonly log: Log,
    metrics: Metrics,
  ) {
    this.seconds = secondsOf(metrics);
    this.errors = errorsOf(metrics);
  }
}

const secondsOf = (metrics: Metrics) =>
  metrics.histogram('leaver_job_seconds', 'Time that background workers took for a job.', ['worker', 'outcome']);

const errorsOf = (metrics: Metrics) =>
  metrics.counter('leaver_job_errors_total', 'Failures of background workers outside of a job.', [
    'worker',
    'operation',
  ]);
