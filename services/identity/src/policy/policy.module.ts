import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogueModule } from '../catalogue/catalogue.module.js';
import { UserModule } from '../user/user.module.js';
import { PolicyController } from './policy.controller.js';
import { PolicyService } from './policy.service.js';

/** The policy of each account: its preset and overrides. */
@Module({
  imports: [AuditModule, CatalogueModule, UserModule],
  controllers: [PolicyController],
  providers: [PolicyService],
  exports: [PolicyService],
})
export class PolicyModule {}
