import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  type Person,
  type RuleBench,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { Dashboard, PublicLink } from '../dashboard/dashboard.entity.js';
import { DashboardController } from '../dashboard/dashboard.controller.js';
import { PublicLinkController } from '../dashboard/public-link.controller.js';
import { entities } from '../insights.module.js';
import { migrations } from '../migrations/migrations.js';
import { insightsRules } from './insights.rules.js';
import { kept } from './kept.js';

const insights: ServiceUnderTest = { name: 'insights', entities, rules: insightsRules, migrations };

const aDashboard = (bench: RuleBench, { accountId, userId }: Person) => ({
  id: bench.ids.next(),
  accountId,
  ownerId: userId,
  name: 'Pipeline',
  shared: true,
  layout: {},
  createdAt: bench.clock.now(),
});

behavesLikeARule(insights, 'insights.shared-dashboards', {
  row: (em, owner, bench) => em.create(Dashboard, aDashboard(bench, owner)),
  write: (bench, owner) => bench.create(DashboardController, owner, { name: 'Pipeline', shared: true }),
});

behavesLikeARule(insights, 'insights.public-links', {
  write: async (bench, owner) => {
    const dashboard = (await bench.create(DashboardController, owner, { name: 'Pipeline' })) as { id: string };
    return bench.create(PublicLinkController, owner, { dashboardId: dashboard.id });
  },
  row: async (em, owner, bench) => {
    const dashboard = em.create(Dashboard, aDashboard(bench, owner));
    await em.flush();
    em.create(PublicLink, {
      id: bench.ids.next(),
      accountId: owner.accountId,
      dashboardId: dashboard.id,
      createdById: owner.userId,
      token: bench.ids.secret(),
      active: true,
      createdAt: bench.clock.now(),
    });
  },
});

coversEveryPersonalColumn(insights, kept);
