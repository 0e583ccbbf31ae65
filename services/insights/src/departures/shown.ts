import { RIGHTS } from '#libs/contracts';
import { shownAs } from '#libs/lifecycle';
import { sql } from 'kysely';

const dashboard = sql`select d.name from dashboard d where d.id = t.dashboard_id`;
const report = sql`select r.name from report r where r.id = t.report_id`;
const sharedWithAsker = (reports: string) => {
  const column = (name: string) => sql.ref(`${reports}.${name}`);
  return sql`not ${column('withdrawn')} and (${column('sharing')} = 'everyone' or ${column('sharing')} = 'users' and exists (
    select from report_share s where s.report_id = ${column('id')} and s.user_id = a.user_id))`;
};

const ofReport = (type: string) =>
  shownAs(type, RIGHTS.reports, {
    label: sql`(${report})`,
    own: sql`exists (${report} and r.owner_id = a.user_id)`,
    team: sql`exists (${report} and ${sharedWithAsker('r')})`,
  });

/** How rows of insights are shown behind the counts of a departure. */
export const shown = {
  dashboard: shownAs('dashboard', RIGHTS.dashboards, { team: sql`t.shared` }),
  /** A link gives access to its dashboard, so the links of a private dashboard are visible only to its owner. */
  publicLink: shownAs('public-link', RIGHTS['public-links'], {
    label: sql`(${dashboard})`,
    own: sql`exists (${dashboard} and d.owner_id = a.user_id)`,
    team: sql`exists (${dashboard} and d.shared)`,
  }),
  report: shownAs('report', RIGHTS.reports, { team: sharedWithAsker('t') }),
  reportParticipant: ofReport('report-participant'),
  reportReader: ofReport('report-reader'),
  goalParticipant: shownAs('goal-participant', RIGHTS.goals, {
    label: sql`(select g.name from goal g where g.id = t.goal_id)`,
  }),
  filterCondition: shownAs('insight-filter-condition', RIGHTS['insight-filters'], {
    label: sql`(select f.name from insight_filter f where f.id = t.filter_id)`,
  }),
};
