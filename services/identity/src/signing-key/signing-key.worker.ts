import { Injectable } from '@nestjs/common';
import { Log } from '#libs/observability';
import { Worker } from '#libs/jobs';
import { SigningKeys } from './signing-keys.js';

/** Keeps this replica signing with the key that all of them use. */
@Injectable()
export class SigningKeyWorker extends Worker {
  constructor(
    private readonly keys: SigningKeys,
    log: Log,
  ) {
    super(log);
  }

  protected async step(): Promise<boolean> {
    await this.keys.refresh();
    return false;
  }
}
