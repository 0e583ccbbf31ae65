import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { InvitationModule } from '../invitation/invitation.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionModule } from '../session/session.module.js';
import { SigningKeyModule } from '../signing-key/signing-key.module.js';
import { UserModule } from '../user/user.module.js';
import { ConnectionChanges } from './connection/connection-changes.js';
import { ConnectionController } from './connection/connection.controller.js';
import { Connections } from './connection/connections.js';
import { DomainProofs } from './connection/domain-proofs.js';
import { DomainRecords } from './connection/domain-records.js';
import { SsoAccess } from './connection/sso-access.js';
import { LinkRemovalController } from './link-removal.controller.js';
import { LogoutController } from './logout/logout.controller.js';
import { ProviderLogouts } from './logout/provider-logouts.js';
import { ProviderAnswers } from './provider/provider-answers.js';
import { ProviderTokens } from './provider/provider-tokens.js';
import { Providers } from './provider/providers.js';
import { Attempts } from './sign-in/attempts.js';
import { Entrance } from './sign-in/entrance.js';
import { FirstSignIns } from './sign-in/first-sign-ins.js';
import { Links } from './sign-in/links.js';
import { SsoSignInController } from './sign-in/sso-sign-in.controller.js';
import { SsoSignIns } from './sign-in/sso-sign-ins.js';

/** Single sign-on with OpenID Connect. */
@Module({
  imports: [AuditModule, InvitationModule, MailModule, SessionModule, SigningKeyModule, UserModule],
  controllers: [ConnectionController, LinkRemovalController, LogoutController, SsoSignInController],
  providers: [
    Attempts,
    ConnectionChanges,
    Connections,
    DomainProofs,
    DomainRecords,
    Entrance,
    FirstSignIns,
    Links,
    ProviderAnswers,
    ProviderLogouts,
    ProviderTokens,
    Providers,
    SsoAccess,
    SsoSignIns,
  ],
})
export class SsoModule {}
