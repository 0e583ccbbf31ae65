import { Global, Module } from '@nestjs/common';
import { Outbox, OutboxRelay } from '#libs/outbox';
import { LifecycleModule, Receipts } from '#libs/lifecycle';
import { keyRotation } from '#libs/platform';
import { AccountController } from './account/account.controller.js';
import { Account } from './account/account.entity.js';
import { AccountService } from './account/account.service.js';
import { AfterCommit } from '#libs/database';
import { ApiToken } from './api-token/api-token.entity.js';
import { ApiTokens } from './api-token/api-tokens.js';
import { AuditEntry } from './audit/audit-entry.entity.js';
import { AuditTrail } from './audit/audit-trail.js';
import { AuditController } from './audit/audit.controller.js';
import { Audit } from './audit/audit.js';
import { AccessTokens } from './sign-in/access-tokens.js';
import { AuthController } from './sign-in/auth.controller.js';
import { LoginService } from './sign-in/login.service.js';
import { Passwords } from './sign-in/passwords.js';
import { BulkDepartures } from './departures/decide/bulk/bulk-departures.js';
import { BulkFiles } from './departures/decide/bulk/bulk-files.js';
import { BulkReport } from './departures/decide/bulk/bulk-report.js';
import { BulkController } from './departures/decide/bulk/bulk.controller.js';
import { BulkWorker } from './departures/decide/bulk/bulk.worker.js';
import { CertificateController } from './departures/track/certificate.controller.js';
import { Certificates } from './departures/track/certificates.js';
import { ConversionController } from './departures/decide/conversion/conversion.controller.js';
import { Conversions } from './departures/decide/conversion/conversions.js';
import { Completion } from './departures/track/completion.js';
import { CompletionWorker } from './departures/track/completion.worker.js';
import { Decisions } from './departures/decide/decisions.js';
import { Preflight } from './departures/plan/preflight.js';
import { DepartureCommands } from './departures/decide/departure-commands.js';
import { DeparturePreviews } from './departures/plan/departure-preview.js';
import { DepartureMetrics } from './departures/track/departure-metrics.js';
import { DecisionEvents } from './departures/decide/decision-events.js';
import { LocalRules } from './departures/decide/local-rules.js';
import { RepeatedEvents } from './departures/decide/repeated-events.js';
import { DepartureAnswers } from './departures/store/departure-answers.js';
import { DepartureClaims } from './departures/store/departure-claims.js';
import { DepartureQueries } from './departures/store/departure-queries.js';
import { DepartureReopening } from './departures/store/departure-reopening.js';
import { DepartureSignals } from './departures/store/departure-signals.js';
import { DepartureStore } from './departures/store/departure-store.js';
import { ServiceStates } from './departures/store/service-states.js';
import { TransitionLog } from './departures/store/transition-log.js';
import { DeparturePublisher } from './departures/track/departure-publisher.worker.js';
import { DepartureController } from './departures/departure.controller.js';
import { Erasure } from './departures/decide/erasure.js';
import { LocalReceipts } from './departures/track/local-receipts.js';
import { GroupDecisions } from './departures/decide/group-decisions.js';
import { Guards } from './departures/decide/guards.js';
import { identityRules } from './departures/identity.rules.js';
import { PlanTokens } from './departures/plan/plan-token.js';
import { Planner } from './departures/plan/planner.js';
import { Progress } from './departures/store/progress.js';
import { ReceiptFolding } from './departures/track/receipt-folding.js';
import { ReceiptsConsumer } from './departures/track/receipts.consumer.js';
import { Refusals } from './departures/decide/refusals.js';
import { DepartureRetry } from './departures/decide/retry.js';
import { Reactivations } from './departures/decide/reactivations.js';
import { RuleServices } from './departures/plan/rule-services.js';
import { VerificationWorker } from './departures/track/verification.worker.js';
import { Verifications } from './departures/track/verifications.js';
import { InvitationController } from './invitation/invitation.controller.js';
import { Invitation } from './invitation/invitation.entity.js';
import { Invitations } from './invitation/invitations.js';
import { CatchUpController } from './departures/decide/onboarding/catch-up.controller.js';
import { CatchUps } from './departures/decide/onboarding/catch-ups.js';
import { ForgottenVersions } from './departures/decide/onboarding/forgotten-versions.js';
import { ServiceOnboardingWorker } from './departures/decide/onboarding/service-onboarding.worker.js';
import { ReopenedDepartures } from './departures/decide/onboarding/reopened-departures.js';
import { Mail } from './mail/mail.js';
import { MeController } from './sign-in/me.controller.js';
import { PasswordResetController } from './sign-in/password-reset.controller.js';
import { PasswordReset } from './sign-in/password-reset.entity.js';
import { PasswordResets } from './sign-in/password-resets.js';
import { Catalogue } from './policy/catalogue.js';
import { OwnRules } from './policy/own-rules.js';
import { PolicyController } from './policy/policy.controller.js';
import { PolicyService } from './policy/policy.service.js';
import { Schedule } from './departures/decide/schedule/schedule.js';
import { ScheduleWorker } from './departures/decide/schedule/schedule.worker.js';
import { ScimGroupRows } from './scim/scim-group-rows.js';
import { ScimGroupsController } from './scim/scim-groups.controller.js';
import { ScimGroups } from './scim/scim-groups.js';
import { ScimProfiles } from './scim/scim-profiles.js';
import { ScimTokenController } from './scim/scim-token.controller.js';
import { ScimTokens } from './scim/scim-tokens.js';
import { ScimUserRows } from './scim/scim-user-rows.js';
import { ScimUsersController } from './scim/scim-users.controller.js';
import { ScimUsers } from './scim/scim-users.js';
import { EpochPublisher } from './session/epoch-publisher.js';
import { SessionList } from './session/session-list.js';
import { Session } from './session/session.entity.js';
import { Sessions } from './session/sessions.js';
import { KeyEncryption } from './signing-key/key-encryption.js';
import { SigningKeyController } from './signing-key/signing-key.controller.js';
import { SigningKeyWorker } from './signing-key/signing-key.worker.js';
import { SigningKeys } from './signing-key/signing-keys.js';
import { TeamController } from './team/team.controller.js';
import { Team, TeamMember } from './team/team.entity.js';
import { TeamService } from './team/team.service.js';
import { FormerEvents } from './departures/decide/transfer/former-events.js';
import { StreamPurgeWorker } from './departures/decide/transfer/stream-purge.worker.js';
import { TransferController } from './departures/decide/transfer/transfer.controller.js';
import { Transfers } from './departures/decide/transfer/transfers.js';
import { Actors } from './user/actors.js';
import { CareEndsWorker } from './user/care-ends.worker.js';
import { CareEvents } from './user/care-events.js';
import { CareService } from './user/care.service.js';
import { DirectoryController } from './user/directory.controller.js';
import { Memberships } from './user/memberships.js';
import { NewUsers } from './user/new-users.js';
import { UserChanges } from './user/user-changes.js';
import { UserEvents } from './user/user-events.js';
import { UserRows } from './user/user-rows.js';
import { UserStream } from './user/user-stream.js';
import { UserController } from './user/user.controller.js';
import { User, UserRole } from './user/user.entity.js';
import { UserService } from './user/user.service.js';

const SEALED = [{ table: 'signing_key', column: 'sealed_private_jwk', id: 'kid', boundTo: 'kid' }];

export const entities = [
  Account,
  User,
  UserRole,
  Team,
  TeamMember,
  Session,
  ApiToken,
  Invitation,
  PasswordReset,
  AuditEntry,
];

const foundation = [AfterCommit, Audit, AuditTrail, Mail, Outbox, OutboxRelay];
const policy = [Catalogue, OwnRules, PolicyService];
const departures = [
  BulkDepartures,
  BulkFiles,
  BulkReport,
  BulkWorker,
  CatchUps,
  Certificates,
  Completion,
  CompletionWorker,
  Conversions,
  Decisions,
  Preflight,
  DepartureCommands,
  DeparturePreviews,
  DepartureRetry,
  DepartureMetrics,
  DecisionEvents,
  LocalRules,
  RepeatedEvents,
  DepartureAnswers,
  DepartureClaims,
  DepartureQueries,
  DepartureReopening,
  DepartureSignals,
  DepartureStore,
  ServiceStates,
  TransitionLog,
  DeparturePublisher,
  Erasure,
  ForgottenVersions,
  GroupDecisions,
  Guards,
  ServiceOnboardingWorker,
  ReopenedDepartures,
  Planner,
  PlanTokens,
  Progress,
  ReceiptFolding,
  Refusals,
  Reactivations,
  RuleServices,
  Schedule,
  ScheduleWorker,
  VerificationWorker,
  Verifications,
];
const people = [
  Actors,
  CareEndsWorker,
  CareEvents,
  CareService,
  FormerEvents,
  Memberships,
  NewUsers,
  StreamPurgeWorker,
  Transfers,
  UserChanges,
  UserEvents,
  UserRows,
  UserService,
  UserStream,
  TeamService,
];
const keyResealing = keyRotation(KeyEncryption, { serviceName: 'identity', setting: 'LEAVER_SECRET', columns: SEALED });
const authentication = [
  AccessTokens,
  ApiTokens,
  Invitations,
  LoginService,
  PasswordResets,
  Passwords,
  EpochPublisher,
  SessionList,
  Sessions,
  KeyEncryption,
  SigningKeys,
  SigningKeyWorker,
  keyResealing,
];

const provisioning = [ScimGroupRows, ScimGroups, ScimProfiles, ScimTokens, ScimUserRows, ScimUsers];

const lifecycle = LifecycleModule.forIdentity(
  { service: 'identity', rules: identityRules, entities },
  { provide: Receipts, useClass: LocalReceipts },
);

/** Accounts, users and who they are: the only service that decides about people. */
@Global()
@Module({
  imports: [lifecycle],
  controllers: [
    AccountController,
    AuthController,
    MeController,
    PasswordResetController,
    UserController,
    TransferController,
    ConversionController,
    DirectoryController,
    InvitationController,
    TeamController,
    PolicyController,
    DepartureController,
    BulkController,
    CatchUpController,
    CertificateController,
    ReceiptsConsumer,
    AuditController,
    ScimTokenController,
    ScimUsersController,
    ScimGroupsController,
    SigningKeyController,
  ],
  providers: [...foundation, ...people, ...authentication, ...policy, ...departures, ...provisioning, AccountService],
  // The engine hands in what it has done later.
  exports: [ReceiptFolding],
})
export class IdentityModule {}
