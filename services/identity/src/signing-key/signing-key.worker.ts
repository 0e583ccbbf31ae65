import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { EvidenceKeys } from './evidence-keys.js';
import { TokenKeys } from './token-keys.js';

/** Makes this replica sign with the keys that all replicas use. */
@Injectable()
export class SigningKeyWorker extends StepWorker {
  constructor(
    private readonly tokens: TokenKeys,
    private readonly evidence: EvidenceKeys,
    context: WorkerContext,
  ) {
    super(context, { name: 'signing-key' });
  }

  protected async step(): Promise<boolean> {
    await this.tokens.refresh();
    await this.evidence.refresh();
    return false;
  }
}
