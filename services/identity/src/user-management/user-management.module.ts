import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EmailChangeModule } from '../email-change/email-change.module.js';
import { FormerIdentifierModule } from '../former-identifier/former-identifier.module.js';
import { InvitationModule } from '../invitation/invitation.module.js';
import { PasswordModule } from '../password/password.module.js';
import { SessionModule } from '../session/session.module.js';
import { SignInMethodModule } from '../sign-in-method/sign-in-method.module.js';
import { UserModule } from '../user/user.module.js';
import { CareEndsWorker } from './care-ends.worker.js';
import { CareService } from './care.service.js';
import { EmailConfirmations } from './email-confirmations.js';
import { Lockouts } from './lockouts.js';
import { ManagedUsers } from './managed-users.js';
import { ManagerChanges } from './manager-changes.js';
import { MembershipChanges } from './membership-changes.js';
import { ProfileChanges } from './profile-changes.js';
import { SuspensionController } from './suspension.controller.js';
import { Suspensions } from './suspensions.js';
import { UserChanges } from './user-changes.js';
import { UserCreation } from './user-creation.js';
import { UserController } from './user.controller.js';

/** Inviting, changing and suspending users, legal holds and caretakers. */
@Module({
  imports: [
    AuditModule,
    EmailChangeModule,
    FormerIdentifierModule,
    InvitationModule,
    PasswordModule,
    SessionModule,
    SignInMethodModule,
    UserModule,
  ],
  controllers: [SuspensionController, UserController],
  providers: [
    CareEndsWorker,
    CareService,
    EmailConfirmations,
    Lockouts,
    ManagedUsers,
    ManagerChanges,
    MembershipChanges,
    ProfileChanges,
    Suspensions,
    UserChanges,
    UserCreation,
  ],
  exports: [Suspensions, UserChanges, UserCreation],
})
export class UserManagementModule {}
