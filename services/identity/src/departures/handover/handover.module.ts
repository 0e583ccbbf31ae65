import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { CatalogueModule } from '../../catalogue/catalogue.module.js';
import { PolicyModule } from '../../policy/policy.module.js';
import { PlanModule } from '../plan/plan.module.js';
import { StoreModule } from '../store/store.module.js';
import { AutoReplyController } from './auto-reply.controller.js';
import { DepartureReadingController } from './departure-reading.controller.js';
import { HandoverController } from './handover.controller.js';
import { HandoverReports } from './handover-reports.js';
import { ToldContacts } from './told-contacts.js';

/** Reports about single departures: what receivers have got from a leaver, how many contacts have been told, and how those are answered who write later. */
@Module({
  imports: [AuditModule, CatalogueModule, PlanModule, PolicyModule, StoreModule],
  controllers: [HandoverController, DepartureReadingController, AutoReplyController],
  providers: [HandoverReports, ToldContacts],
})
export class HandoverModule {}
