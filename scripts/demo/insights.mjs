/** @import { Dashboard, PublicLink, Report } from '#libs/contracts' */
/** @import { HttpClient } from '../../cli/http-client.mjs' */
/** @import { People } from './account.mjs' */
import { mapConcurrently } from './helpers.mjs';

/**
 * Creates dashboards with public links, and reports, goals and filters that name the leaver.
 * @param {People} people
 */
export async function createInsights(people) {
  const [dashboards, reports] = await Promise.all([createDashboards(people), createReports(people)]);
  return { ...dashboards, reports };
}

/** @param {People} people */
async function createDashboards({ leaver, colleagues: [colleague], spec }) {
  /** @type {(api: HttpClient, name: string, shared: boolean) => Promise<Dashboard>} */
  const create = (api, name, shared) =>
    api.post('/v1/dashboards', { name, shared, layout: { tiles: [{ chart: 'bar', of: name }] } });
  const [dashboards, privateDashboards] = await Promise.all([
    mapConcurrently(spec.dashboards.shared, (name) => create(leaver.api, name, true)),
    mapConcurrently(spec.dashboards.private, (name) => create(leaver.api, name, false)),
    create(colleague.api, spec.dashboards.others, true),
  ]);
  /** @type {PublicLink[]} */
  const publicLinks = await mapConcurrently(dashboards, ({ id }) =>
    leaver.api.post('/v1/public-links', { dashboardId: id }),
  );
  return { dashboards, privateDashboards, publicLinks };
}

/**
 * Colleagues read the leaver's reports; a colleague's report and goal include the leaver.
 * @param {People} people
 */
async function createReports({ leaver, colleagues: [colleague, another], spec }) {
  const participantIds = [leaver.user.id, colleague.user.id];
  /** @type {Promise<Report[]>} */
  const created = mapConcurrently(spec.reports.shared, (name) =>
    leaver.api.post('/v1/reports', { name, sharedWith: [colleague.user.id, another.user.id] }),
  );
  const [reports] = await Promise.all([
    created,
    colleague.api.post('/v1/reports', { name: spec.reports.others, sharedWith: [leaver.user.id], participantIds }),
    colleague.api.post('/v1/goals', { name: spec.goal, target: 40, participantIds }),
    colleague.api.post('/v1/insight-filters', {
      name: 'Only the team lead',
      conditions: [{ field: 'owner', op: 'is', userId: leaver.user.id }],
    }),
  ]);
  return reports;
}
