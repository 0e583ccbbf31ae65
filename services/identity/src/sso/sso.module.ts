import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SessionModule } from '../session/session.module.js';
import { SigningKeyModule } from '../signing-key/signing-key.module.js';
import { UserModule } from '../user/user.module.js';
import { ConnectionChanges } from './connection/connection-changes.js';
import { ConnectionController } from './connection/connection.controller.js';
import { Connections } from './connection/connections.js';
import { DomainProofs } from './connection/domain-proofs.js';
import { DomainRecords } from './connection/domain-records.js';
import { SsoAccess } from './connection/sso-access.js';
import { Providers } from './provider/providers.js';

/** Single sign-on with OpenID Connect. */
@Module({
  imports: [AuditModule, SessionModule, SigningKeyModule, UserModule],
  controllers: [ConnectionController],
  providers: [ConnectionChanges, Connections, DomainProofs, DomainRecords, Providers, SsoAccess],
})
export class SsoModule {}
