import { Clock, Ids, WrittenTables } from '#libs/database';
import { Log, Metrics } from '#libs/observability';
import { Injectable, Optional } from '@nestjs/common';

/** The dependencies that all workers share. */
@Injectable()
export class WorkerContext {
  readonly seconds: ReturnType<typeof secondsOf>;
  readonly errors: ReturnType<typeof errorsOf>;
  private readonly workers = new Map<string, Set<Alarmed>>();

  constructor(
    readonly clock: Clock,
    readonly ids: Ids,
    readonly log: Log,
    metrics: Metrics,
    @Optional() readonly written = new WrittenTables(),
  ) {
    this.seconds = secondsOf(metrics);
    this.errors = errorsOf(metrics);
  }

  register(name: string, worker: Alarmed): void {
    const known = this.workers.get(name);
    if (known) known.add(worker);
    else this.workers.set(name, new Set([worker]));
  }

  /** Has the workers of this name look for work at this time. */
  wakeAt(time: Date, name: string): void {
    for (const worker of this.workers.get(name) ?? []) worker.wakeAt(time);
  }
}

interface Alarmed {
  wakeAt(time: Date): void;
}

const secondsOf = (metrics: Metrics) =>
  metrics.histogram('leaver_job_seconds', 'Time that background workers took for a job.', ['worker', 'outcome']);

const errorsOf = (metrics: Metrics) =>
  metrics.counter('leaver_job_errors_total', 'Failures of background workers outside of a job.', [
    'worker',
    'operation',
  ]);
