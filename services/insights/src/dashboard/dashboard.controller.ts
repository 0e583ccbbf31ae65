import { Controller } from '@nestjs/common';
import { dashboards, type Call } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Dashboard, PublicLink, type DashboardRow } from './dashboard.entity.js';

const base = plainResource(dashboards, {
  entity: Dashboard,
  shown: ['name', 'shared', 'layout', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

@Controller()
export class DashboardController extends base {
  override async prepare(call: Call): Promise<Record<string, unknown>> {
    return { shared: false, layout: {}, ...(await super.prepare(call)) };
  }

  /** Its public pages go with it. */
  override async discard({ id }: DashboardRow): Promise<void> {
    await this.em.nativeDelete(PublicLink, { dashboardId: id });
    await this.em.nativeDelete(Dashboard, { id });
  }
}
