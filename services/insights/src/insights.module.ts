import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { DashboardController } from './dashboard/dashboard.controller.js';
import { Dashboard, PublicLink } from './dashboard/dashboard.entity.js';
import { PublicLinkController } from './dashboard/public-link.controller.js';
import { insightsRules } from './departures/insights.rules.js';
import { GoalController } from './goal/goal.controller.js';
import { Goal } from './goal/goal.entity.js';
import { InsightFilterController } from './insight-filter/insight-filter.controller.js';
import { InsightFilter, InsightFilterCondition } from './insight-filter/insight-filter.entity.js';
import { GoalParticipant, ReportParticipant, ReportShare } from './membership/membership.entity.js';
import { ReportController } from './report/report.controller.js';
import { Report } from './report/report.entity.js';

export const entities = [
  Dashboard,
  PublicLink,
  Report,
  ReportShare,
  ReportParticipant,
  Goal,
  GoalParticipant,
  InsightFilter,
  InsightFilterCondition,
];

/** Dashboards, reports and goals, and who may see them. */
@Module({
  imports: [
    LifecycleModule.forService({ service: 'insights', consumer: 'insights-users', rules: insightsRules, entities }),
  ],
  controllers: [DashboardController, PublicLinkController, ReportController, GoalController, InsightFilterController],
})
export class InsightsModule {}
