import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { ErasureLedger } from './erasure-ledger.js';

const BATCH_SIZE = 500;

/** Writes deletions to the ledger. */
@Injectable()
export class ErasureLedgerWorker extends StepWorker {
  constructor(
    private readonly ledger: ErasureLedger,
    context: WorkerContext,
  ) {
    super(context, { name: 'erasure-ledger' });
  }

  protected async step(): Promise<boolean> {
    return (await this.ledger.recordMissing(BATCH_SIZE)) === BATCH_SIZE;
  }
}
