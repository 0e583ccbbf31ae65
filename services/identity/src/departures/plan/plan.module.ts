import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { CatalogueModule } from '../../catalogue/catalogue.module.js';
import { PolicyModule } from '../../policy/policy.module.js';
import { UserModule } from '../../user/user.module.js';
import { StoreModule } from '../store/store.module.js';
import { DepartureTimes } from './departure-times.js';
import { FirstAdmins } from './first-admins.js';
import { GroupPreflight } from './group-preflight.js';
import { GroupPreviews } from './group-previews.js';
import { Guards } from './guards/guards.js';
import { Planner } from './planner.js';
import { Preflight } from './preflight.js';
import { Blockers } from './preview/blockers.js';
import { ContactsOfLeaver } from './preview/contacts-of-leaver.js';
import { DeparturePreviews } from './preview/departure-preview.js';
import { Overviews } from './preview/overviews.js';
import { PreviewedSuccessors } from './preview/previewed-successors.js';
import { ReassignmentPreviews } from './preview/reassignment-previews.js';
import { RequestedPlans } from './preview/requested-plans.js';
import { ReturnPreviews } from './preview/return-preview.js';
import { RowsBehindCounts } from './preview/rows-behind-counts.js';
import { ReassignmentGuards } from './guards/reassignment-guards.js';
import { Refusals } from './guards/refusals.js';
import { Restorations } from './restorations.js';
import { RuleServices } from './rule-services.js';
import { SuccessorChecks } from './guards/successor-checks.js';
import { TellingChecks } from './guards/telling-checks.js';
import { Confirmation } from './token/confirmation.js';
import { PlanRecount } from './token/plan-recount.js';
import { PlanTokens } from './token/plan-token.js';
import { RequestTokens } from './token/request-tokens.js';
import { ReturnConfirmation } from './token/return-confirmation.js';
import { TokenChecks } from './token/token-checks.js';
import { TransferGuards } from './guards/transfer-guards.js';

/** What a departure would do: policy, guards, preview and preflight. */
@Module({
  imports: [AuditModule, CatalogueModule, PolicyModule, StoreModule, UserModule],
  providers: [
    Blockers,
    Confirmation,
    ContactsOfLeaver,
    DeparturePreviews,
    DepartureTimes,
    FirstAdmins,
    GroupPreflight,
    GroupPreviews,
    Guards,
    Overviews,
    PlanRecount,
    PlanTokens,
    Planner,
    Preflight,
    PreviewedSuccessors,
    ReassignmentGuards,
    ReassignmentPreviews,
    Refusals,
    RequestTokens,
    RequestedPlans,
    Restorations,
    ReturnConfirmation,
    ReturnPreviews,
    RowsBehindCounts,
    RuleServices,
    SuccessorChecks,
    TellingChecks,
    TokenChecks,
    TransferGuards,
  ],
  exports: [
    Confirmation,
    ContactsOfLeaver,
    DeparturePreviews,
    DepartureTimes,
    FirstAdmins,
    GroupPreflight,
    GroupPreviews,
    Guards,
    Overviews,
    PlanTokens,
    Planner,
    Preflight,
    ReassignmentGuards,
    ReassignmentPreviews,
    Refusals,
    RequestTokens,
    Restorations,
    ReturnConfirmation,
    ReturnPreviews,
    RowsBehindCounts,
    RuleServices,
    SuccessorChecks,
    TellingChecks,
    TransferGuards,
  ],
})
export class PlanModule {}
