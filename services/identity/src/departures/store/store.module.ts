import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { FormerIdentifierModule } from '../../former-identifier/former-identifier.module.js';
import { ApprovalStore } from './approvals/approval-store.js';
import { DepartureAnswers } from './departure-answers.js';
import { DepartureClaims } from './departure-claims.js';
import { DepartureMails } from './mails/departure-mails.js';
import { DepartureQueries } from './departure-queries.js';
import { DepartureReopening } from './departure-reopening.js';
import { DepartureSignals } from './departure-signals.js';
import { DepartureStore } from './departure-store.js';
import { ErasureNotices } from './scheduled/erasure-notices.js';
import { RequesterDepartures } from './scheduled/requester-departures.js';
import { Progress } from './progress.js';
import { ScheduledSteps } from './scheduled/scheduled-steps.js';
import { ServiceRetirement } from './service-retirement.js';
import { ServiceStates } from './service-states.js';
import { TransitionLog } from './transition-log.js';

/** The departures and their state machine: the only writer of these tables. */
@Module({
  imports: [AuditModule, FormerIdentifierModule],
  providers: [
    ApprovalStore,
    DepartureAnswers,
    DepartureClaims,
    DepartureMails,
    DepartureQueries,
    DepartureReopening,
    DepartureSignals,
    DepartureStore,
    ErasureNotices,
    Progress,
    RequesterDepartures,
    ScheduledSteps,
    ServiceRetirement,
    ServiceStates,
    TransitionLog,
  ],
  exports: [
    ApprovalStore,
    DepartureAnswers,
    DepartureClaims,
    DepartureMails,
    DepartureQueries,
    DepartureReopening,
    DepartureSignals,
    DepartureStore,
    ErasureNotices,
    Progress,
    RequesterDepartures,
    ScheduledSteps,
    ServiceRetirement,
    ServiceStates,
  ],
})
export class StoreModule {}
