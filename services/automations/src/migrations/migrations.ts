import type { Migrations } from '#libs/database';
import { serviceTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { automationTables } from './0100-automations.js';
import { exclusionTables } from './0101-exclusions.js';
import { assignmentTables } from './0102-assignment-rules.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  automationTables,
  exclusionTables,
  assignmentTables,
];
