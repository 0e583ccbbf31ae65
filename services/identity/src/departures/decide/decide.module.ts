import { Module } from '@nestjs/common';
import { ApiTokenModule } from '../../api-token/api-token.module.js';
import { AuditModule } from '../../audit/audit.module.js';
import { CatalogueModule } from '../../catalogue/catalogue.module.js';
import { DraftModule } from '../draft/draft.module.js';
import { PlanModule } from '../plan/plan.module.js';
import { EffectsModule } from '../effects/effects.module.js';
import { StoreModule } from '../store/store.module.js';
import { TrackModule } from '../track/track.module.js';
import { FormerIdentifierModule } from '../../former-identifier/former-identifier.module.js';
import { EmailChangeModule } from '../../email-change/email-change.module.js';
import { InvitationModule } from '../../invitation/invitation.module.js';
import { MailModule } from '../../mail/mail.module.js';
import { PasswordModule } from '../../password/password.module.js';
import { PolicyModule } from '../../policy/policy.module.js';
import { SessionModule } from '../../session/session.module.js';
import { UserModule } from '../../user/user.module.js';
import { ApprovalDecisions } from './approval/approval-decisions.js';
import { ApprovalExpiryWorker } from './approval/approval-expiry.worker.js';
import { ApprovalRequests } from './approval/approval-requests.js';
import { ApprovalController } from './approval/approval.controller.js';
import { ApprovedDepartures } from './approval/approved-departures.js';
import { ProviderDeletions } from './approval/provider-deletions.js';
import { BulkApprovalController } from './bulk/approval/bulk-approval.controller.js';
import { BulkApprovals } from './bulk/approval/bulk-approvals.js';
import { ListPlans } from './bulk/approval/list-plans.js';
import { ListRequests } from './bulk/approval/list-requests.js';
import { WaitingLists } from './bulk/approval/waiting-lists.js';
import { BulkDepartures } from './bulk/bulk-departures.js';
import { BulkFiles } from './bulk/bulk-files.js';
import { BulkReport } from './bulk/bulk-report.js';
import { BulkRequests } from './bulk/bulk-requests.js';
import { BulkStore } from './bulk/bulk-store.js';
import { BulkController } from './bulk/bulk.controller.js';
import { SuccessorWords } from './bulk/successor-words.js';
import { BulkWorker } from './bulk/bulk.worker.js';
import { ListTelling } from './bulk/list-telling.js';
import { DryRunExpiryWorker } from './bulk/dry-run/dry-run-expiry.worker.js';
import { DryRunReport } from './bulk/dry-run/dry-run-report.js';
import { DryRunRows } from './bulk/dry-run/dry-run-rows.js';
import { DryRunStore } from './bulk/dry-run/dry-run-store.js';
import { DryRunController } from './bulk/dry-run/dry-run.controller.js';
import { DryRunWorker } from './bulk/dry-run/dry-run.worker.js';
import { DryRuns } from './bulk/dry-run/dry-runs.js';
import { PlannedLists } from './bulk/dry-run/planned-lists.js';
import { ConversionController } from './conversion/conversion.controller.js';
import { Conversions } from './conversion/conversions.js';
import { SharedInboxes } from './conversion/shared-inboxes.js';
import { DecisionEvents } from './decision-events.js';
import { Decisions } from './decisions.js';
import { DepartureCommands } from './departure-commands.js';
import { DeparturePreparation } from './departure-preparation.js';
import { ReactivationCommands } from './reactivation-commands.js';
import { EndedAccess } from './ended-access.js';
import { Erasure } from './erasure.js';
import { GroupDecisions } from './group/group-decisions.js';
import { GroupOutcomes } from './group/group-outcomes.js';
import { ImmediateDepartures } from './immediate-departures.js';
import { LocalRules } from './local-rules.js';
import { ErasureLedger } from './ledger/erasure-ledger.js';
import { ErasureLedgerWorker } from './ledger/erasure-ledger.worker.js';
import { RevivedUsers } from './ledger/revived-users.js';
import { CatchUpController } from './onboarding/catch-up.controller.js';
import { CatchUps } from './onboarding/catch-ups.js';
import { ForgottenVersions } from './onboarding/forgotten-versions.js';
import { ReopenedDepartures } from './onboarding/reopened-departures.js';
import { StreamRefillWorker } from './onboarding/stream-refill.worker.js';
import { ServiceOnboardingWorker } from './onboarding/service-onboarding.worker.js';
import { ServiceRetirementWorker } from './onboarding/service-retirement.worker.js';
import { ServicesController } from './onboarding/services.controller.js';
import { Services } from './onboarding/services.js';
import { ReassignmentController } from './reassign/reassignment.controller.js';
import { Reassignments } from './reassign/reassignments.js';
import { Reactivations } from './reactivations.js';
import { RepeatedDeactivations } from './repeated-deactivations.js';
import { RepeatedEvents } from './repeated-events.js';
import { DepartureRetry } from './retry.js';
import { Cancellations } from './schedule/cancellations.js';
import { ErasureNoticeWorker } from './schedule/erasure-notice.worker.js';
import { Erasures } from './schedule/erasures.js';
import { LaterDepartures } from './schedule/later-departures.js';
import { ScheduleChanges } from './schedule/schedule-changes.js';
import { Schedule } from './schedule/schedule.js';
import { ScheduleWorker } from './schedule/schedule.worker.js';
import { ScheduledDepartureLock } from './schedule/scheduled-departure-lock.js';
import { ScheduledDepartures } from './schedule/scheduled-departures.js';
import { ScheduledReturns } from './schedule/scheduled-returns.js';
import { FormerPerson } from './transfer/former-person.js';
import { StreamPurgeWorker } from './transfer/stream-purge.worker.js';
import { TransferChecks } from './transfer/transfer-checks.js';
import { TransferEvents } from './transfer/transfer-events.js';
import { TransferController } from './transfer/transfer.controller.js';
import { Transfers } from './transfer/transfers.js';

/** Decisions: immediate, scheduled and bulk departures, transfers, conversions, and the onboarding of services. */
@Module({
  imports: [
    EmailChangeModule,
    ApiTokenModule,
    AuditModule,
    CatalogueModule,
    DraftModule,
    EffectsModule,
    PlanModule,
    StoreModule,
    TrackModule,
    FormerIdentifierModule,
    InvitationModule,
    MailModule,
    PasswordModule,
    PolicyModule,
    SessionModule,
    UserModule,
  ],
  controllers: [
    ApprovalController,
    BulkApprovalController,
    BulkController,
    CatchUpController,
    ConversionController,
    DryRunController,
    ReassignmentController,
    ServicesController,
    TransferController,
  ],
  providers: [
    ApprovalDecisions,
    ApprovalExpiryWorker,
    ApprovalRequests,
    ApprovedDepartures,
    BulkApprovals,
    BulkDepartures,
    BulkFiles,
    BulkReport,
    BulkRequests,
    BulkStore,
    BulkWorker,
    ListTelling,
    SuccessorWords,
    Cancellations,
    CatchUps,
    Conversions,
    DecisionEvents,
    Decisions,
    DepartureCommands,
    DeparturePreparation,
    ReactivationCommands,
    DepartureRetry,
    DryRunExpiryWorker,
    DryRunReport,
    DryRunRows,
    DryRunStore,
    DryRunWorker,
    DryRuns,
    EndedAccess,
    Erasure,
    ErasureLedger,
    ErasureLedgerWorker,
    ForgottenVersions,
    FormerPerson,
    GroupDecisions,
    GroupOutcomes,
    ImmediateDepartures,
    ErasureNoticeWorker,
    Erasures,
    LaterDepartures,
    ListPlans,
    ListRequests,
    LocalRules,
    PlannedLists,
    ProviderDeletions,
    Reactivations,
    Reassignments,
    RevivedUsers,
    ReopenedDepartures,
    RepeatedDeactivations,
    RepeatedEvents,
    Schedule,
    ScheduleChanges,
    ScheduleWorker,
    ScheduledDepartureLock,
    ScheduledDepartures,
    ScheduledReturns,
    ServiceOnboardingWorker,
    ServiceRetirementWorker,
    Services,
    SharedInboxes,
    StreamRefillWorker,
    StreamPurgeWorker,
    TransferChecks,
    TransferEvents,
    Transfers,
    WaitingLists,
  ],
  exports: [
    Cancellations,
    DepartureCommands,
    ReactivationCommands,
    DepartureRetry,
    ProviderDeletions,
    RepeatedDeactivations,
    ScheduleChanges,
  ],
})
export class DecideModule {}
