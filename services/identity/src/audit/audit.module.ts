import { Module } from '@nestjs/common';
import { AuditTrail } from './audit-trail.js';
import { AuditController } from './audit.controller.js';
import { Audit } from './audit.js';

/** The audit trail of each account. */
@Module({
  controllers: [AuditController],
  providers: [Audit, AuditTrail],
  exports: [Audit],
})
export class AuditModule {}
