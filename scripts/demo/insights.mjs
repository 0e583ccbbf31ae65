import { mapConcurrently } from './helpers.mjs';

/** Figures: dashboards with public links, reports and goals with the leaver in them. */
export async function showFigures(people) {
  const [dashboards, reports] = await Promise.all([paint(people), tell(people)]);
  return { ...dashboards, ...reports };
}

async function paint({ leaver, colleagues, spec }) {
  const dashboard = (api, name, shared) =>
    api.post('/v1/dashboards', { name, shared, layout: { tiles: [{ chart: 'bar', of: name }] } });
  const [dashboards, privateDashboards] = await Promise.all([
    mapConcurrently(spec.dashboards.shared, (name) => dashboard(leaver.api, name, true)),
    mapConcurrently(spec.dashboards.private, (name) => dashboard(leaver.api, name, false)),
    dashboard(colleagues[0].api, spec.dashboards.others, true),
  ]);
  const publicLinks = await mapConcurrently(dashboards, ({ id }) =>
    leaver.api.post('/v1/public-links', { dashboardId: id }),
  );
  return { dashboards, privateDashboards, publicLinks };
}

/** The leaver's reports are read by colleagues, a colleague's report tells of the leaver. */
async function tell({ leaver, colleagues: [colleague, another], spec }) {
  const both = [leaver.user.id, colleague.user.id];
  const [reports] = await Promise.all([
    mapConcurrently(spec.reports.shared, (name) =>
      leaver.api.post('/v1/reports', { name, sharedWith: [colleague.user.id, another.user.id] }),
    ),
    colleague.api.post('/v1/reports', {
      name: spec.reports.others,
      sharedWith: [leaver.user.id],
      participantIds: both,
    }),
    colleague.api.post('/v1/goals', { name: spec.goal, target: 40, participantIds: both }),
    colleague.api.post('/v1/insight-filters', {
      name: 'Only the team lead',
      conditions: [{ field: 'owner', op: 'is', userId: leaver.user.id }],
    }),
  ]);
  return { reports };
}
