import { Module } from '@nestjs/common';
import type { Migrations } from '#libs/database';
import { LifecycleModule, serviceTables } from '#libs/lifecycle';
import { controllersOf, entitiesOf, platformMigrations, type ServiceResource } from '#libs/platform';
import { DashboardController } from './dashboard/dashboard.controller.js';
import { Dashboard, PublicLink } from './dashboard/dashboard.entity.js';
import { PublicLinkController } from './dashboard/public-link.controller.js';
import { insightsRules } from './departures/insights.rules.js';
import { GoalController } from './goal/goal.controller.js';
import { Goal } from './goal/goal.entity.js';
import { InsightFilterController } from './insight-filter/insight-filter.controller.js';
import { InsightFilter, InsightFilterCondition } from './insight-filter/insight-filter.entity.js';
import { GoalParticipant, ReportParticipant, ReportShare } from './membership/membership.entity.js';
import { dashboardTables } from './migrations/0100-dashboards.js';
import { reportAndGoalTables } from './migrations/0101-reports-and-goals.js';
import { insightFilterTables } from './migrations/0102-insight-filters.js';
import { ReportController } from './report/report.controller.js';
import { Report } from './report/report.entity.js';

/** One line per noun: the entities of its tables and its controllers. */
const resources: readonly ServiceResource[] = [
  { entities: [Dashboard, PublicLink], controllers: [DashboardController, PublicLinkController] },
  { entities: [Report, ReportShare, ReportParticipant], controllers: [ReportController] },
  { entities: [Goal, GoalParticipant], controllers: [GoalController] },
  { entities: [InsightFilter, InsightFilterCondition], controllers: [InsightFilterController] },
];

export const entities = entitiesOf(resources);

/** In the order in which they run. A released migration is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  dashboardTables,
  reportAndGoalTables,
  insightFilterTables,
];

/** Dashboards, reports, goals and insight filters. */
@Module({
  imports: [
    LifecycleModule.forService({ service: 'insights', consumer: 'insights-users', rules: insightsRules, entities }),
  ],
  controllers: controllersOf(resources),
})
export class InsightsModule {}
