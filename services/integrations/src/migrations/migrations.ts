import type { Migrations } from '#libs/database';
import { serviceTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { appAndWebhookTables } from './0100-apps-and-webhooks.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [...serviceTables, ...platformMigrations, appAndWebhookTables];
