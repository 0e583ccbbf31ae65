import type { ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  Problem,
  publicDashboard,
  publicLinks,
  type Call,
  type NewPublicLink,
  type NoBody,
  type Principal,
  type PublicDashboard,
  type PublicLinkQuery,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Dashboard, PublicLink, type PublicLinkRow } from './dashboard.entity.js';
import { visibleTo } from './visible.js';

const base = plainResource(publicLinks, {
  entity: PublicLink,
  shown: ['dashboardId', 'active', 'createdAt'],
  people: ['createdById'],
  mine: 'createdById',
});

@Controller()
export class PublicLinkController extends base {
  override async prepare({ body, principal }: Call): Promise<Partial<PublicLinkRow>> {
    const { dashboardId } = body as NewPublicLink;
    const dashboard = await this.em.findOne(Dashboard, {
      id: dashboardId,
      accountId: principal.accountId,
      ...visibleTo(principal),
    });
    if (!dashboard)
      throw new Problem('unknown-reference', { detail: 'Choose a dashboard of this account.', items: [dashboardId] });
    return { dashboardId, active: true, token: this.ids.secret() };
  }

  override filter(call: Call<NoBody, PublicLinkQuery>): ObjectQuery<PublicLinkRow> {
    return { $and: [super.filter(call), this.visible(call.principal)] };
  }

  override async find({ principal, params }: Pick<Call, 'principal' | 'params'>): Promise<PublicLinkRow> {
    const { accountId } = principal;
    const link = await this.em.findOne(PublicLink, { id: params.id, accountId, ...this.visible(principal) });
    if (!link) throw new Problem('not-found');
    return link;
  }

  override async present(rows: readonly PublicLinkRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    return answers.map((answer, index) => ({ ...answer, url: `/p/${rows[index]!.token}` }));
  }

  /** Open to anyone who has the link. A disabled link gets the same answer as an unknown one. */
  @Handles(publicDashboard)
  async show({ params }: Call): Promise<PublicDashboard> {
    const link = await this.em.findOne(PublicLink, { token: params.token, active: true });
    const dashboard = link && (await this.em.findOne(Dashboard, { id: link.dashboardId }));
    if (!dashboard) throw new Problem('not-found');
    return { name: dashboard.name, layout: dashboard.layout };
  }

  /** A link gives access to its dashboard, so the links of a private dashboard are visible only to its owner. */
  private visible(principal: Principal) {
    return { dashboardId: { $in: this.em.createQueryBuilder(Dashboard).select('id').where(visibleTo(principal)) } };
  }
}
