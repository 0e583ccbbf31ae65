import { Module } from '@nestjs/common';
import { LifecycleModule, Receipts } from '#libs/lifecycle';
import { Account } from './account/account.entity.js';
import { AccountModule } from './account/account.module.js';
import { ApiToken } from './api-token/api-token.entity.js';
import { AuditEntry } from './audit/audit-entry.entity.js';
import { DeparturesModule } from './departures/departures.module.js';
import { DepartureEntity } from './departures/store/departure.entity.js';
import { BulkDepartureEntity } from './departures/decide/bulk/bulk-departure.entity.js';
import { declareIdentityRules } from './departures/identity.rules.js';
import { EffectsModule } from './departures/effects/effects.module.js';
import { RuleEffects } from './departures/effects/rule-effects.js';
import { LocalReceipts } from './departures/track/local-receipts.js';
import { EmailChange } from './email-change/email-change.entity.js';
import { FoundationModule } from './foundation.module.js';
import { FormerIdentifier, FormerPersonEntity } from './former-identifier/former-identifier.entity.js';
import { Invitation } from './invitation/invitation.entity.js';
import { PasswordReset } from './password/password-reset.entity.js';
import { PolicyModule } from './policy/policy.module.js';
import { ScimToken } from './scim/scim-token.entity.js';
import { ScimModule } from './scim/scim.module.js';
import { Session } from './session/session.entity.js';
import { SsoModule } from './sso/sso.module.js';
import { SignInModule } from './sign-in/sign-in.module.js';
import { StreamsModule } from './streams/streams.module.js';
import { Team, TeamMember } from './team/team.entity.js';
import { TeamModule } from './team/team.module.js';
import { User, UserRole } from './user/user.entity.js';
import { UserExportModule } from './user-export/user-export.module.js';
import { UserListModule } from './user-list/user-list.module.js';
import { UserManagementModule } from './user-management/user-management.module.js';

export { migrations } from './migrations/migrations.js';

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
  FormerIdentifier,
  FormerPersonEntity,
  EmailChange,
  AuditEntry,
  ScimToken,
  DepartureEntity,
  BulkDepartureEntity,
];

const lifecycle = LifecycleModule.forIdentity(
  {
    service: 'identity',
    rules: { effects: RuleEffects, module: EffectsModule, declare: declareIdentityRules },
    entities,
  },
  { provide: Receipts, useClass: LocalReceipts },
);

/** Accounts, users and who they are: the only service that decides about people. */
@Module({
  imports: [
    lifecycle,
    FoundationModule,
    AccountModule,
    UserExportModule,
    UserListModule,
    UserManagementModule,
    TeamModule,
    SignInModule,
    SsoModule,
    PolicyModule,
    DeparturesModule,
    ScimModule,
    StreamsModule,
  ],
})
export class IdentityModule {}
