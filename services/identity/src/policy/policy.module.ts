import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogueModule } from '../catalogue/catalogue.module.js';
import { SessionModule } from '../session/session.module.js';
import { UserModule } from '../user/user.module.js';
import { ApprovalSettings } from './approval-settings.js';
import { Approvers } from './approvers.js';
import { PolicyController } from './policy.controller.js';
import { PolicyService } from './policy.service.js';

/** The policy of each account: its preset and overrides. */
@Module({
  imports: [AuditModule, CatalogueModule, SessionModule, UserModule],
  controllers: [PolicyController],
  providers: [ApprovalSettings, Approvers, PolicyService],
  exports: [Approvers, PolicyService],
})
export class PolicyModule {}
