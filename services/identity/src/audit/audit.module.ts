import { Module } from '@nestjs/common';
import { SigningKeyModule } from '../signing-key/signing-key.module.js';
import { Anchors } from './heads/anchors.js';
import { AuditExport } from './audit-export.js';
import { AuditHeads } from './heads/audit-heads.js';
import { AuditHeadsWorker } from './heads/audit-heads.worker.js';
import { AuditTrail } from './audit-trail.js';
import { AuditVerifier } from './audit-verifier.js';
import { AuditController } from './audit.controller.js';
import { Audit } from './audit.js';
import { CertificateLog } from './certificate-log.js';
import { HeadSignatures } from './heads/head-signatures.js';
import { Occurrences } from './occurrences.js';

/** The audit trail of each account, and what is kept of it outside of the database. */
@Module({
  imports: [SigningKeyModule],
  controllers: [AuditController],
  providers: [
    Anchors,
    Audit,
    AuditExport,
    AuditHeads,
    AuditHeadsWorker,
    AuditTrail,
    AuditVerifier,
    CertificateLog,
    HeadSignatures,
    Occurrences,
  ],
  exports: [Anchors, Audit, CertificateLog, Occurrences],
})
export class AuditModule {}
