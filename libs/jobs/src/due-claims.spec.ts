import { expect, it } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
/** A column that a worker moves ahead, compared with the clock. */
const COMPARISON = /\b(due_at|look_after|close_after|lease_until|probe_until) <= \$/;

/** Comparisons that decide something else than whether a row may be claimed now. */
const REASONS: Record<string, string> = {
  'libs/lifecycle/src/later/scheduled-action.worker.ts': 'the day that the policy sets; nothing moves it',
  'libs/lifecycle/src/engine-metrics.ts': 'counts',
  'libs/outbox/src/relay-session.ts': 'the relay recovers its events when its clock goes back',
  'services/contacts/src/import-source/source-schedule.ts': 'keeps what somebody has asked for during the run',
  'services/identity/src/departures/track/departure-metrics.ts': 'counts',
  'services/integrations/src/webhook/delivery-queue.ts': 'what a failed probe puts off, not what is claimed',
};

it('no worker trusts a due date or a lease that a clock which was ahead has set: `isDue` and `isPast` compare them', () => {
  const trusting = globSync(['libs/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root })
    .filter((path) => !path.endsWith('.spec.ts') && COMPARISON.test(readFileSync(join(root, path), 'utf8')))
    .filter((path) => path !== 'libs/jobs/src/due.ts');
  expect(trusting.sort()).toEqual(Object.keys(REASONS).sort());
});
