import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { CatalogueModule } from '../../catalogue/catalogue.module.js';
import { PlanModule } from '../plan/plan.module.js';
import { StoreModule } from '../store/store.module.js';
import { DepartureReadingController } from './departure-reading.controller.js';
import { HandoverController } from './handover.controller.js';
import { HandoverReports } from './handover-reports.js';
import { ToldContacts } from './told-contacts.js';

/** Reports about single departures: what receivers have got from a leaver, and how many contacts have been told. */
@Module({
  imports: [AuditModule, CatalogueModule, PlanModule, StoreModule],
  controllers: [HandoverController, DepartureReadingController],
  providers: [HandoverReports, ToldContacts],
})
export class HandoverModule {}
