import { sql } from 'kysely';
import { always, can, deleteWith, disable, keep, owned, rule, transfer, withdraw, type Rule } from '#libs/lifecycle';
import { Dashboard, PublicLink } from '../dashboard/dashboard.entity.js';
import { InsightFilterCondition } from '../insight-filter/insight-filter.entity.js';
import { GoalParticipant, ReportParticipant, ReportShare } from '../membership/membership.entity.js';
import { Report } from '../report/report.entity.js';

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

/** The public pages of a dashboard go with it. */
const deleteDashboards = deleteWith(async (db, dashboardIds) => {
  await sql`delete from public_link where dashboard_id = any(${[...dashboardIds]}::uuid[])`.execute(db);
});

/** Nobody but the owner has ever seen them: they wait for somebody who may return, and for nobody else. */
const privateDashboards = rule('insights.private-dashboards', 'Private dashboards', {
  rows: owned(Dashboard, 'ownerId', { shared: false }),
  deactivated: can(keep, transfer, deleteDashboards),
  deleted: can(deleteDashboards, keep, transfer),
});

/** Nobody answers for their figures any more: whoever they were shared with can't open them. */
const sharedReports = rule('insights.shared-reports', 'Reports shared with others', {
  rows: owned(Report, 'ownerId', { sharing: ['users', 'everyone'], withdrawn: false }),
  deactivated: can(withdraw({ withdrawn: true }), transfer),
});

/** The past does not change: who was part of a report or a goal is still, by a "Deleted user" in the end. */
const participation = rule('insights.participation', 'Taking part in reports and goals', {
  rows: [
    owned(ReportParticipant, 'userId', {}, { part: 'reports' }),
    owned(ReportShare, 'userId', {}, { part: 'reports-to-read' }),
    owned(GoalParticipant, 'userId', {}, { part: 'goals' }),
  ],
  deactivated: always(keep),
  deleted: always(keep),
});

/** They go on working; new ones may ask for somebody deactivated, but not for somebody deleted. */
const filters = rule('insights.filters', 'Insight filters that name the user', {
  rows: owned(InsightFilterCondition, 'userId'),
  deactivated: always(keep),
  deleted: always(keep),
});

/**
 * What happens to the insights of somebody who leaves, in this order. Links are disabled before dashboards can take them
 * along, so that the preview's count of links is right whatever an account has chosen for its dashboards.
 */
export const insightsRules: readonly Rule[] = [
  sharedDashboards,
  publicLinks,
  privateDashboards,
  sharedReports,
  participation,
  filters,
];
