import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SessionModule } from '../session/session.module.js';
import { UserModule } from '../user/user.module.js';
import { ApiTokenController } from './api-token.controller.js';
import { ApiTokens } from './api-tokens.js';

/** Tokens that users create for programs. */
@Module({
  imports: [AuditModule, SessionModule, UserModule],
  controllers: [ApiTokenController],
  providers: [ApiTokens],
  exports: [ApiTokens],
})
export class ApiTokenModule {}
