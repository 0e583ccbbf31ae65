import { insightsRules } from '../../services/insights/src/departures/insights.rules.js';
import { entities, migrations } from '../../services/insights/src/insights.module.js';
import { ACCOUNT, personSql } from '../support/people.js';
import type { Scene } from './scene.js';

const dashboards = (people: number, rows: number, shared: boolean) => `
  insert into dashboard select uuidv7(), '${ACCOUNT}', 'Dashboard ' || i, ${personSql('n')}, ${shared}, '{}', now()
  from generate_series(1, ${people}) n, generate_series(1, ${rows}) i`;

/**
 * 50 rows per user: 10 shared and 5 private dashboards, 10 public links to five of each, 15 shared reports; and 4 report
 * participations, 3 goals and 3 filter conditions, which stay.
 */
export const insights: Scene = {
  parts: { name: 'insights', rules: insightsRules, entities, migrations },
  rows: (people) => [
    dashboards(people, 10, true),
    dashboards(people, 5, false),
    `insert into public_link select uuidv7(), account_id, id, owner_id, id::text, true, now() from dashboard where name ~ ' [1-5]$'`,
    `insert into report select uuidv7(), '${ACCOUNT}', 'Report ' || i, ${personSql('n')}, '{}', (array['users', 'everyone'])[1 + i % 2], false, now()
     from generate_series(1, ${people}) n, generate_series(1, 15) i`,
    `insert into report_participant select uuidv7(), account_id, id, owner_id from report where name ~ ' [1-4]$'`,
    `insert into goal select uuidv7(), '${ACCOUNT}', 'Goal ' || i, 100, ${personSql('0')}, now() from generate_series(1, 3) i`,
    `insert into goal_participant select uuidv7(), g.account_id, g.id, ${personSql('n')} from generate_series(1, ${people}) n, goal g`,
    `insert into insight_filter select uuidv7(), '${ACCOUNT}', 'Filter ' || i, now() from generate_series(1, 3) i`,
    `insert into insight_filter_condition select uuidv7(), f.account_id, f.id, 'owner', 'is', ${personSql('n')}, null
     from generate_series(1, ${people}) n, insight_filter f`,
  ],
  policy: {},
  byHand: [
    `delete from public_link where dashboard_id in (select id from dashboard where owner_id = any($1::uuid[]) and not shared)`,
    'delete from dashboard where owner_id = any($1::uuid[]) and not shared',
    'update dashboard set owner_id = $2 where owner_id = any($1::uuid[]) and shared',
    'update public_link set active = false where created_by_id = any($1::uuid[]) and active',
    `update report set withdrawn = true where owner_id = any($1::uuid[]) and sharing in ('users', 'everyone') and not withdrawn`,
  ],
  oneUpdate: `update report set withdrawn = true where owner_id = $1 and sharing in ('users', 'everyone') and not withdrawn`,
};
