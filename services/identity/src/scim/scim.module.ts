import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DecideModule } from '../departures/decide/decide.module.js';
import { FormerIdentifierModule } from '../former-identifier/former-identifier.module.js';
import { SessionModule } from '../session/session.module.js';
import { TeamModule } from '../team/team.module.js';
import { UserModule } from '../user/user.module.js';
import { UserManagementModule } from '../user-management/user-management.module.js';
import { RefusedLeavers } from './users/refused-leavers.js';
import { ScimActivation } from './users/scim-activation.js';
import { ScimGroupRows } from './groups/scim-group-rows.js';
import { ScimGroupsController } from './groups/scim-groups.controller.js';
import { ScimGroups } from './groups/scim-groups.js';
import { ScimProfiles } from './users/scim-profiles.js';
import { ProviderRefusals } from './provider-refusals.js';
import { ScimTokenController } from './scim-token.controller.js';
import { ScimTokens } from './scim-tokens.js';
import { ScimUserRows } from './users/scim-user-rows.js';
import { ScimUsersController } from './users/scim-users.controller.js';
import { ScimUsers } from './users/scim-users.js';

/** Provisioning by identity providers. */
@Module({
  imports: [
    AuditModule,
    DecideModule,
    FormerIdentifierModule,
    SessionModule,
    TeamModule,
    UserModule,
    UserManagementModule,
  ],
  controllers: [ScimGroupsController, ScimTokenController, ScimUsersController],
  providers: [
    ProviderRefusals,
    RefusedLeavers,
    ScimActivation,
    ScimGroupRows,
    ScimGroups,
    ScimProfiles,
    ScimTokens,
    ScimUserRows,
    ScimUsers,
  ],
})
export class ScimModule {}
