import { LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { dashboards, type Call } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Dashboard, PublicLink, type DashboardRow } from './dashboard.entity.js';

const base = plainResource(dashboards, {
  entity: Dashboard,
  shown: ['name', 'shared', 'layout', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  team: () => ({ shared: true }),
  whileOwnerActive: ['shared'],
});

@Controller()
export class DashboardController extends base {
  override async prepare(call: Call): Promise<Partial<DashboardRow>> {
    return { shared: false, layout: {}, ...(await super.prepare(call)) };
  }

  /** Deletes the dashboard's public links first. */
  override async discard(dashboard: DashboardRow): Promise<void> {
    await this.em.lock(dashboard, LockMode.PESSIMISTIC_WRITE);
    await this.em.nativeDelete(PublicLink, { dashboardId: dashboard.id });
    await this.em.nativeDelete(Dashboard, { id: dashboard.id });
  }
}
