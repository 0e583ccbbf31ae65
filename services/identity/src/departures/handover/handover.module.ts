import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { CatalogueModule } from '../../catalogue/catalogue.module.js';
import { PlanModule } from '../plan/plan.module.js';
import { StoreModule } from '../store/store.module.js';
import { HandoverController } from './handover.controller.js';
import { HandoverReports } from './handover-reports.js';

/** Reports about what receivers have got from a leaver. */
@Module({
  imports: [AuditModule, CatalogueModule, PlanModule, StoreModule],
  controllers: [HandoverController],
  providers: [HandoverReports],
})
export class HandoverModule {}
