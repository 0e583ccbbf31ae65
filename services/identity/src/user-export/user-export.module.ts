import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogueModule } from '../catalogue/catalogue.module.js';
import { SessionModule } from '../session/session.module.js';
import { SigningKeyModule } from '../signing-key/signing-key.module.js';
import { UserModule } from '../user/user.module.js';
import { ExportAccess } from './export-access.js';
import { ExportCopies } from './export-copies.js';
import { ExportExpiryWorker } from './export-expiry.worker.js';
import { ExportStore } from './export-store.js';
import { ExportWorker } from './export.worker.js';
import { UserExportController } from './user-export.controller.js';
import { UserExports } from './user-exports.js';

/** Copies of everything that names a user. */
@Module({
  imports: [AuditModule, CatalogueModule, SessionModule, SigningKeyModule, UserModule],
  controllers: [UserExportController],
  providers: [ExportAccess, ExportCopies, ExportExpiryWorker, ExportStore, ExportWorker, UserExports],
  exports: [ExportCopies],
})
export class UserExportModule {}
