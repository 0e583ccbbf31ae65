import { Global, Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { CatalogueModule } from '../../catalogue/catalogue.module.js';
import { PlanModule } from '../plan/plan.module.js';
import { StoreModule } from '../store/store.module.js';
import { SigningKeyModule } from '../../signing-key/signing-key.module.js';
import { UserExportModule } from '../../user-export/user-export.module.js';
import { UserModule } from '../../user/user.module.js';
import { CertificateController } from './certificate/certificate.controller.js';
import { CertificateCheck } from './certificate/certificate-check.js';
import { Certificates } from './certificate/certificates.js';
import { Completion } from './completion.js';
import { CompletionWorker } from './completion.worker.js';
import { DepartureMetrics } from './departure-metrics.js';
import { CompletedDeparturesWorker } from './completed-departures.worker.js';
import { DepartureEvents } from './departure-events.js';
import { DepartureNewsWorker } from './departure-news.worker.js';
import { ReceiptFolding } from './receipt-folding.js';
import { ReceiptsConsumer } from './receipts.consumer.js';
import { Tombstones } from './tombstones.js';
import { VerificationWorker } from './verification.worker.js';
import { Verifications } from './verifications.js';

/**
 * Follows a departure to its end: receipts, proof, completion, notifications and certificates. Global, because the lifecycle
 * engine passes its receipts to `ReceiptFolding` (see `LocalReceipts`).
 */
@Global()
@Module({
  imports: [AuditModule, CatalogueModule, PlanModule, StoreModule, SigningKeyModule, UserExportModule, UserModule],
  controllers: [CertificateController, ReceiptsConsumer],
  providers: [
    CertificateCheck,
    Certificates,
    Completion,
    CompletionWorker,
    DepartureMetrics,
    CompletedDeparturesWorker,
    DepartureEvents,
    DepartureNewsWorker,
    ReceiptFolding,
    Tombstones,
    VerificationWorker,
    Verifications,
  ],
  exports: [ReceiptFolding, Tombstones, Verifications],
})
export class TrackModule {}
