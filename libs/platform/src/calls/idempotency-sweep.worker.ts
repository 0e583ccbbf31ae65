import { StepWorker, WorkerContext } from '#libs/jobs';
import { Injectable } from '@nestjs/common';
import { IdempotencyKeys } from './idempotency.js';

const POLL_MS = 600_000;

/** Deletes idempotency keys that have expired. */
@Injectable()
export class IdempotencySweep extends StepWorker {
  constructor(
    private readonly keys: IdempotencyKeys,
    context: WorkerContext,
  ) {
    super(context, { name: 'idempotency-sweep', pollMs: POLL_MS });
  }

  protected override async step(): Promise<boolean> {
    await this.keys.sweep();
    return false;
  }
}
