import { raw } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  isManager,
  Problem,
  publicDashboard,
  publicLinks,
  type Call,
  type NewPublicLink,
  type Principal,
  type PublicDashboard,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Dashboard, PublicLink, type PublicLinkRow } from './dashboard.entity.js';

const ownDashboards = (userId: string) => raw('(select id from dashboard where owner_id = ?)', [userId]);
const sharedDashboards = ({ accountId }: Principal) =>
  raw('(select id from dashboard where account_id = ? and shared)', [accountId]);

const base = plainResource(publicLinks, {
  entity: PublicLink,
  shown: ['dashboardId', 'active', 'createdAt'],
  people: ['createdById'],
  mine: 'createdById',
  // A link gives access to its dashboard, so the links of a private dashboard are visible only to its owner.
  own: (principal) => ({
    $or: [
      { dashboardId: { $in: ownDashboards(principal.userId) } },
      { createdById: principal.userId, dashboardId: { $in: sharedDashboards(principal) } },
    ],
  }),
  team: (principal) => ({ dashboardId: { $in: sharedDashboards(principal) } }),
});

@Controller()
export class PublicLinkController extends base {
  override async prepare({ body, principal }: Call): Promise<Partial<PublicLinkRow>> {
    const { dashboardId } = body as NewPublicLink;
    const { accountId, userId } = principal;
    const seen = { $or: [{ shared: true }, { ownerId: userId }] };
    const dashboard = await this.em.findOne(Dashboard, { id: dashboardId, accountId, ...seen });
    if (!dashboard)
      throw new Problem('unknown-reference', { detail: 'Choose a dashboard of this account.', items: [dashboardId] });
    if (dashboard.ownerId !== userId && !isManager(principal))
      throw new Problem('forbidden', { detail: 'Only its owner and managers may publish a dashboard.' });
    return { dashboardId, active: true, token: this.ids.secret() };
  }

  override async present(rows: readonly PublicLinkRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    return answers.map((answer, index) => ({ ...answer, url: `/p/${rows[index]!.token}` }));
  }

  /** Open to anyone who has the link. A disabled link gets the same answer as an unknown one. */
  @Handles(publicDashboard, { acrossAccounts: 'The public page is found by its token.' })
  async show({ params }: Call): Promise<PublicDashboard> {
    const link = await this.em.findOne(PublicLink, { token: params.token, active: true });
    const dashboard = link && (await this.em.findOne(Dashboard, { id: link.dashboardId }));
    if (!dashboard) throw new Problem('not-found');
    return { name: dashboard.name, layout: dashboard.layout };
  }
}
