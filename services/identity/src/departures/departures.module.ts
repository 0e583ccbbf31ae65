import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { StoreModule } from './store/store.module.js';
import { PlanModule } from './plan/plan.module.js';
import { DecideModule } from './decide/decide.module.js';
import { HandoverModule } from './handover/handover.module.js';
import { TellModule } from './tell/tell.module.js';
import { TrackModule } from './track/track.module.js';
import { DepartureController } from './departure.controller.js';
import { LeaverController } from './leaver.controller.js';

/** Departures, from the request to the certificate. */
@Module({
  imports: [AuditModule, StoreModule, PlanModule, DecideModule, TrackModule, TellModule, HandoverModule],
  controllers: [LeaverController, DepartureController],
})
export class DeparturesModule {}
