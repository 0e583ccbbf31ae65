import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { UserModule } from '../user/user.module.js';
import { ApiTokens } from './api-tokens.js';

/** Tokens that users create for programs. */
@Module({
  imports: [AuditModule, UserModule],
  providers: [ApiTokens],
  exports: [ApiTokens],
})
export class ApiTokenModule {}
