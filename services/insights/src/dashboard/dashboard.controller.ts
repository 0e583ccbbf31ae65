import { LockMode, type ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { dashboards, Problem, type Call, type DashboardQuery, type NoBody } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Dashboard, PublicLink, type DashboardRow } from './dashboard.entity.js';
import { visibleTo } from './visible.js';

const base = plainResource(dashboards, {
  entity: Dashboard,
  shown: ['name', 'shared', 'layout', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

@Controller()
export class DashboardController extends base {
  override async prepare(call: Call): Promise<Partial<DashboardRow>> {
    return { shared: false, layout: {}, ...(await super.prepare(call)) };
  }

  override filter(call: Call<NoBody, DashboardQuery>): ObjectQuery<DashboardRow> {
    return { ...super.filter(call), ...visibleTo(call.principal) };
  }

  override async find({ principal, params }: Pick<Call, 'principal' | 'params'>): Promise<DashboardRow> {
    const { accountId } = principal;
    const dashboard = await this.em.findOne(Dashboard, { id: params.id, accountId, ...visibleTo(principal) });
    if (!dashboard) throw new Problem('not-found');
    return dashboard;
  }

  /** Deletes the dashboard's public links first. */
  override async discard(dashboard: DashboardRow): Promise<void> {
    await this.em.lock(dashboard, LockMode.PESSIMISTIC_WRITE);
    await this.em.nativeDelete(PublicLink, { dashboardId: dashboard.id });
    await this.em.nativeDelete(Dashboard, { id: dashboard.id });
  }
}
