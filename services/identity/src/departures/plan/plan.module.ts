import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { CatalogueModule } from '../../catalogue/catalogue.module.js';
import { PolicyModule } from '../../policy/policy.module.js';
import { UserModule } from '../../user/user.module.js';
import { StoreModule } from '../store/store.module.js';
import { Blockers } from './blockers.js';
import { Confirmation } from './confirmation.js';
import { DeparturePreviews } from './departure-preview.js';
import { FirstAdmins } from './first-admins.js';
import { GroupPreflight } from './group-preflight.js';
import { Guards } from './guards.js';
import { PlanTokens } from './plan-token.js';
import { Planner } from './planner.js';
import { Preflight } from './preflight.js';
import { Refusals } from './refusals.js';
import { RuleServices } from './rule-services.js';
import { TransferGuards } from './transfer-guards.js';

/** What a departure would do: policy, guards, preview and preflight. */
@Module({
  imports: [AuditModule, CatalogueModule, PolicyModule, StoreModule, UserModule],
  providers: [
    Blockers,
    Confirmation,
    DeparturePreviews,
    FirstAdmins,
    GroupPreflight,
    Guards,
    PlanTokens,
    Planner,
    Preflight,
    Refusals,
    RuleServices,
    TransferGuards,
  ],
  exports: [
    Confirmation,
    DeparturePreviews,
    FirstAdmins,
    GroupPreflight,
    Guards,
    Planner,
    Preflight,
    Refusals,
    RuleServices,
    TransferGuards,
  ],
})
export class PlanModule {}
