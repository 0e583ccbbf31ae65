import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { DashboardController } from './dashboard/dashboard.controller.js';
import { Dashboard, PublicLink } from './dashboard/dashboard.entity.js';
import { PublicLinkController } from './dashboard/public-link.controller.js';
import { insightsRules } from './departures/insights.rules.js';

export const entities = [Dashboard, PublicLink];

/** Dashboards, reports and goals, and who may see them. */
@Module({
  imports: [
    LifecycleModule.forService({ service: 'insights', consumer: 'insights-users', rules: insightsRules, entities }),
  ],
  controllers: [DashboardController, PublicLinkController],
})
export class InsightsModule {}
