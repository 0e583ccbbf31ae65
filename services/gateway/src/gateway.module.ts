import { SessionWatch } from '#libs/auth';
import { Readiness } from '#libs/platform';
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AsyncApiController } from './asyncapi/asyncapi.controller.js';
import { AuditExportController } from './audit-export/audit-export.controller.js';
import { AccessGuard } from './auth/access.guard.js';
import { Authenticator } from './auth/authenticator.js';
import { BrowserSessionController } from './auth/browser-session.controller.js';
import { BrowserSessions } from './auth/browser-sessions.js';
import { SsoLogoutController } from './auth/sso-logout.controller.js';
import { SsoController } from './auth/sso.controller.js';
import { BulkDeparturesController } from './bulk-departures/bulk-departures.controller.js';
import { ContactImportsController } from './contact-imports/contact-imports.controller.js';
import { ConsoleController } from './console/console.controller.js';
import { ConsoleFiles } from './console/console-files.js';
import { DepartureEventsController } from './departure-events/departure-events.controller.js';
import { FileExports } from './exports/file-exports.js';
import { UserExportController } from './user-exports/user-export.controller.js';
import { HandoverController } from './handover/handover.controller.js';
import { HttpSetup } from './http/http-setup.js';
import { ProblemFilter } from './http/problem.filter.js';
import { CounterStore } from './limits/counter-store.js';
import { OpenWork } from './limits/open-work.js';
import { RateLimits } from './limits/rate-limits.js';
import { LookedUpTokenGuard, RequestLimitsGuard } from './limits/request-limits.guard.js';
import { MessageActivityController } from './message-activity/message-activity.controller.js';
import { DocsController } from './openapi/docs.controller.js';
import { Forwarder } from './operations/forwarder.js';
import { operationControllers } from './operations/operation-controllers.js';
import { PublicLinks } from './operations/public-links.js';
import { RootController } from './root.controller.js';
import { DiscoveryController } from './scim/discovery.controller.js';
import { ScimClient } from './scim/scim-client.js';
import { ScimController } from './scim/scim.controller.js';

@Module({
  controllers: [
    RootController,
    ConsoleController,
    DocsController,
    AsyncApiController,
    AuditExportController,
    BrowserSessionController,
    SsoController,
    SsoLogoutController,
    BulkDeparturesController,
    ContactImportsController,
    DepartureEventsController,
    HandoverController,
    UserExportController,
    MessageActivityController,
    DiscoveryController,
    ScimController,
    ...operationControllers(),
  ],
  providers: [
    HttpSetup,
    ConsoleFiles,
    Forwarder,
    PublicLinks,
    CounterStore,
    FileExports,
    OpenWork,
    RateLimits,
    ScimClient,
    Authenticator,
    BrowserSessions,
    // In this order: what a client may not even try, who it is, and how much it may do.
    { provide: APP_GUARD, useClass: LookedUpTokenGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: RequestLimitsGuard },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class GatewayModule {
  constructor(readiness: Readiness, sessions: SessionWatch) {
    readiness.add('sessions', () => sessions.loaded);
  }
}
