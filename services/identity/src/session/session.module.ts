import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { SigningKeyModule } from '../signing-key/signing-key.module.js';
import { UserModule } from '../user/user.module.js';
import { AccessTokens } from './access-tokens.js';
import { BrowserSessions } from './browser-sessions.js';
import { Proofs } from './proofs.js';
import { SessionEndAnnouncer } from './session-end-announcer.js';
import { SessionEndFeed } from './session-end-feed.js';
import { SessionEndMessages } from './session-end-messages.js';
import { SessionList } from './session-list.js';
import { Sessions } from './sessions.js';

/** Sessions, access tokens and the epochs that end them. */
@Module({
  imports: [AuditModule, SigningKeyModule, UserModule],
  providers: [
    AccessTokens,
    BrowserSessions,
    Proofs,
    SessionEndAnnouncer,
    SessionEndFeed,
    SessionEndMessages,
    SessionList,
    Sessions,
  ],
  exports: [AccessTokens, BrowserSessions, Proofs, SessionList, Sessions],
})
export class SessionModule {}
