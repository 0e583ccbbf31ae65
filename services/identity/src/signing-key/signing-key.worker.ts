import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { SigningKeys } from './signing-keys.js';

/** Keeps this replica signing with the key that all of them use. */
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
