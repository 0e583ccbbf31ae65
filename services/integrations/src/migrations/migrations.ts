import type { Migrations } from '#libs/database';
import { serviceTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { appAndWebhookTables } from './0100-apps-and-webhooks.js';
import { syncAndSchedulerLinkTables } from './0101-syncs-and-scheduler-links.js';
import { documentTables } from './0102-documents.js';
import { signatureAndInvoiceTables } from './0103-signatures-and-invoices.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  appAndWebhookTables,
  syncAndSchedulerLinkTables,
  documentTables,
  signatureAndInvoiceTables,
];
