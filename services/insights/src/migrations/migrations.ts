import type { Migrations } from '#libs/database';
import { serviceTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { dashboardTables } from './0100-dashboards.js';
import { reportAndGoalTables } from './0101-reports-and-goals.js';
import { insightFilterTables } from './0102-insight-filters.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  dashboardTables,
  reportAndGoalTables,
  insightFilterTables,
];
