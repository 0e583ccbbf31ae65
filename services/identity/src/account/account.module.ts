import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { PasswordModule } from '../password/password.module.js';
import { SessionModule } from '../session/session.module.js';
import { UserModule } from '../user/user.module.js';
import { AccountController } from './account.controller.js';
import { AccountOpening } from './account-opening.js';
import { AccountService } from './account.service.js';

/** Creates accounts and manages their settings. */
@Module({
  imports: [AuditModule, PasswordModule, SessionModule, UserModule],
  controllers: [AccountController],
  providers: [AccountOpening, AccountService],
})
export class AccountModule {}
