import { Module } from '@nestjs/common';
import { Ids, type Migrations } from '#libs/database';
import { LifecycleModule, serviceTables } from '#libs/lifecycle';
import {
  keyRotation,
  RotatingEncryption,
  Encryption,
  type EncryptedColumn,
  controllersOf,
  entitiesOf,
  platformMigrations,
  type ServiceResource,
} from '#libs/platform';
import { AccountSyncController } from './account-sync/account-sync.controller.js';
import { AccountSync } from './account-sync/account-sync.entity.js';
import { AppController } from './app/app.controller.js';
import { App } from './app/app.entity.js';
import { integrationsRules } from './departures/integrations.rules.js';
import { DocumentTemplateController } from './document-template/document-template.controller.js';
import { DocumentTemplate, TemplateGrant } from './document-template/document-template.entity.js';
import { DocumentController } from './document/document.controller.js';
import { Document } from './document/document.entity.js';
import { IntegrationsConfig } from './integrations.config.js';
import { InvoiceController } from './invoice/invoice.controller.js';
import { Invoice } from './invoice/invoice.entity.js';
import { appAndWebhookTables } from './migrations/0100-apps-and-webhooks.js';
import { syncAndSchedulerLinkTables } from './migrations/0101-syncs-and-scheduler-links.js';
import { documentTables } from './migrations/0102-documents.js';
import { signatureAndInvoiceTables } from './migrations/0103-signatures-and-invoices.js';
import { webhookReceivers } from './migrations/0104-webhook-receivers.js';
import { takenOverGrants } from './migrations/0106-taken-over-grants.js';
import { appGrants } from './migrations/0128-app-grants.js';
import { FormerMeetingPages } from './scheduler-link/former-meeting-pages.js';
import { SchedulerLinkController } from './scheduler-link/scheduler-link.controller.js';
import { SchedulerLink } from './scheduler-link/scheduler-link.entity.js';
import { SignatureController } from './signature/signature.controller.js';
import { Signature } from './signature/signature.entity.js';
import { StorageConnectionController } from './storage-connection/storage-connection.controller.js';
import { StorageAccess, StorageConnection } from './storage-connection/storage-connection.entity.js';
import { Storages } from './storage-connection/storages.js';
import { Deliveries } from './webhook/deliveries.js';
import { DeliveryQueue } from './webhook/delivery-queue.js';
import { DeliveryWorker } from './webhook/delivery.worker.js';
import { DepartureNewsConsumer } from './webhook/departure-news.consumer.js';
import { Receivers } from './webhook/receivers.js';
import { WebhookController } from './webhook/webhook.controller.js';
import { Webhook } from './webhook/webhook.entity.js';
import { WebhookMetrics } from './webhook/webhook-metrics.js';

/** The columns encrypted with this service's secret. */
const SEALED: readonly EncryptedColumn[] = [
  { table: 'webhook', column: 'secret', id: 'id', boundTo: 'account_id' },
  { table: 'webhook', column: 'former_secret', id: 'id', boundTo: 'account_id' },
  { table: 'app', column: 'access_token', id: 'id', boundTo: 'account_id' },
  { table: 'account_sync', column: 'sealed_grant', id: 'id', boundTo: 'account_id' },
];

/** One line per noun: the entities of its tables and its controllers. */
const resources: readonly ServiceResource[] = [
  { entities: [App], controllers: [AppController] },
  { entities: [Webhook], controllers: [WebhookController, DepartureNewsConsumer] },
  { entities: [AccountSync], controllers: [AccountSyncController] },
  { entities: [SchedulerLink], controllers: [SchedulerLinkController] },
  { entities: [StorageConnection, StorageAccess], controllers: [StorageConnectionController] },
  { entities: [Document], controllers: [DocumentController] },
  { entities: [DocumentTemplate, TemplateGrant], controllers: [DocumentTemplateController] },
  { entities: [Signature], controllers: [SignatureController] },
  { entities: [Invoice], controllers: [InvoiceController] },
];

export const entities = entitiesOf(resources);

/** In the order in which they run. A released migration is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  appAndWebhookTables,
  syncAndSchedulerLinkTables,
  documentTables,
  signatureAndInvoiceTables,
  webhookReceivers,
  takenOverGrants,
  appGrants,
];

/** Connections to other systems: apps, webhooks, syncs, and documents stored elsewhere. */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'integrations',
      consumer: 'integrations-users',
      rules: integrationsRules,
      entities,
      forgetting: FormerMeetingPages,
    }),
  ],
  controllers: controllersOf(resources),
  providers: [
    {
      provide: Encryption,
      inject: [IntegrationsConfig, Ids],
      useFactory: (
        { integrationsSecret: current, integrationsSecretPrevious: previous }: IntegrationsConfig,
        ids: Ids,
      ) => new RotatingEncryption({ current, previous }, 'integrations', ids),
    },
    keyRotation(Encryption, { serviceName: 'integrations', setting: 'INTEGRATIONS_SECRET', columns: SEALED }),
    Storages,
    Deliveries,
    DeliveryQueue,
    Receivers,
    DeliveryWorker,
    WebhookMetrics,
  ],
})
export class IntegrationsModule {}
