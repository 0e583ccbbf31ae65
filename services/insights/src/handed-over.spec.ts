import { handsOver } from '#libs/platform/testing';
import { startInsights } from './testing/insights.js';

handsOver('insights', startInsights, {
  dashboards: { body: { name: 'Pipeline' } },
  goals: { body: { name: 'Deals', target: 10 } },
  reports: { body: { name: 'Win rate' } },
});
