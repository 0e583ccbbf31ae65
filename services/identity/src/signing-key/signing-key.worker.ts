import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { SigningKeys } from './signing-keys.js';

/** Makes this replica sign with the key that all replicas use. */
@Injectable()
export class SigningKeyWorker extends StepWorker {
  constructor(
    private readonly keys: SigningKeys,
    context: WorkerContext,
  ) {
    super(context, { name: 'signing-key' });
  }

  protected async step(): Promise<boolean> {
    await this.keys.refresh();
    return false;
  }
}
