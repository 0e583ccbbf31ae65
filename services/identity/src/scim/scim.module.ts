import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DecideModule } from '../departures/decide/decide.module.js';
import { SessionModule } from '../session/session.module.js';
import { TeamModule } from '../team/team.module.js';
import { UserModule } from '../user/user.module.js';
import { UserManagementModule } from '../user-management/user-management.module.js';
import { ScimGroupRows } from './scim-group-rows.js';
import { ScimGroupsController } from './scim-groups.controller.js';
import { ScimGroups } from './scim-groups.js';
import { ScimProfiles } from './scim-profiles.js';
import { ScimTokenController } from './scim-token.controller.js';
import { ScimTokens } from './scim-tokens.js';
import { ScimUserRows } from './scim-user-rows.js';
import { ScimUsersController } from './scim-users.controller.js';
import { ScimUsers } from './scim-users.js';

/** Provisioning by identity providers. */
@Module({
  imports: [AuditModule, DecideModule, SessionModule, TeamModule, UserModule, UserManagementModule],
  controllers: [ScimGroupsController, ScimTokenController, ScimUsersController],
  providers: [ScimGroupRows, ScimGroups, ScimProfiles, ScimTokens, ScimUserRows, ScimUsers],
})
export class ScimModule {}
