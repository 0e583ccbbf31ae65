import { always, can, disable, owned, rule, transfer, type Rule } from '#libs/lifecycle';
import { Dashboard, PublicLink } from '../dashboard/dashboard.entity.js';

/** The team goes on using them. */
const sharedDashboards = rule('insights.shared-dashboards', 'Shared dashboards', {
  rows: owned(Dashboard, 'ownerId', { shared: true }),
  deactivated: can(transfer),
});

/** Whoever has left must not go on showing the account's figures to the world. */
const publicLinks = rule('insights.public-links', 'Public links to dashboards', {
  rows: owned(PublicLink, 'createdById'),
  deactivated: always(disable({ active: false })),
});

/** What happens to the insights of somebody who leaves, in this order. */
export const insightsRules: readonly Rule[] = [sharedDashboards, publicLinks];
