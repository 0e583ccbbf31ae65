import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { IdentityConfig } from '../../identity.config.js';
import { AuditHeads } from './audit-heads.js';

const BATCH_SIZE = 1_000;

/** Publishes the heads of the audit trails at intervals. */
@Injectable()
export class AuditHeadsWorker extends StepWorker {
  constructor(
    private readonly heads: AuditHeads,
    { auditHeadsSeconds }: IdentityConfig,
    context: WorkerContext,
  ) {
    super(context, { name: 'audit-heads', pollMs: auditHeadsSeconds * 1_000 });
  }

  protected async step(): Promise<boolean> {
    await this.heads.publishLost();
    return this.heads.publishNew(BATCH_SIZE);
  }
}
