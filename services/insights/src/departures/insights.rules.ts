import { sql } from 'kysely';
import { always, can, deleteWith, disable, keep, owned, rule, transfer, withdraw, type Rule } from '#libs/lifecycle';
import { Dashboard, PublicLink } from '../dashboard/dashboard.entity.js';
import { InsightFilterCondition } from '../insight-filter/insight-filter.entity.js';
import { GoalParticipant, ReportParticipant, ReportShare } from '../membership/membership.entity.js';
import { Report } from '../report/report.entity.js';
import { shown } from './shown.js';

/** Other users keep using them, so they need a new owner. */
const sharedDashboards = rule('insights.shared-dashboards', 'Shared dashboards', {
  rows: owned(Dashboard, 'ownerId', { shared: true }, { shown: shown.dashboard }),
  deactivated: can(transfer),
});

/** A user who has left must not keep publishing the account's figures. */
const publicLinks = rule('insights.public-links', 'Public links to dashboards', {
  rows: owned(PublicLink, 'createdById', {}, { shown: shown.publicLink }),
  transferred: always(disable({ active: false })),
  deactivated: always(disable({ active: false })),
});

/** The public links of a dashboard are deleted with it. */
const deleteDashboards = deleteWith({
  local: {
    apply: async (db, dashboardIds) => {
      await sql`delete from public_link where dashboard_id = any(${[...dashboardIds]}::uuid[])`.execute(db);
    },
    inverse: { impossible: 'the dashboards are deleted, too; the rule about public links counts its links' },
  },
});

/** Only the owner has seen them, so they are kept for an owner who may return and deleted with one who may not. */
const privateDashboards = rule('insights.private-dashboards', 'Private dashboards', {
  rows: owned(Dashboard, 'ownerId', { shared: false }, { shown: shown.dashboard }),
  deactivated: can(keep, transfer, deleteDashboards),
  deleted: can(deleteDashboards, keep, transfer),
});

/** Nobody is responsible for their figures any more, so the users they are shared with lose access. */
const sharedReports = rule('insights.shared-reports', 'Reports shared with others', {
  rows: owned(Report, 'ownerId', { sharing: ['users', 'everyone'], withdrawn: false }, { shown: shown.report }),
  deactivated: can(withdraw({ withdrawn: true }), transfer),
});

/** Participation is history and does not change; a deleted participant is shown as "Deleted user". */
const participation = rule('insights.participation', 'Taking part in reports and goals', {
  rows: [
    owned(ReportParticipant, 'userId', {}, { part: 'reports', shown: shown.reportParticipant }),
    owned(ReportShare, 'userId', {}, { part: 'reports-to-read', shown: shown.reportReader }),
    owned(GoalParticipant, 'userId', {}, { part: 'goals', shown: shown.goalParticipant }),
  ],
  deactivated: always(keep),
  deleted: always(keep),
});

/** They keep working. A new filter may name a deactivated user, but not a deleted one. */
const filters = rule('insights.filters', 'Insight filters that name the user', {
  rows: owned(InsightFilterCondition, 'userId', {}, { shown: shown.filterCondition }),
  deactivated: always(keep),
  deleted: always(keep),
});

/**
 * The rules for a leaver's insights, in the order in which they run. Links are disabled before dashboards are deleted
 * with their links, so that the preview counts links correctly whatever the account has chosen for its dashboards.
 */
export const insightsRules: readonly Rule[] = [
  sharedDashboards,
  publicLinks,
  privateDashboards,
  sharedReports,
  participation,
  filters,
];
