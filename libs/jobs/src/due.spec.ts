import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { JobBench } from '../fixtures/job-bench.js';
import { isDue, isPast } from './due.js';

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const retry = { delaysMs: [SECOND, HOUR], jitter: 0.1 };

let bench: JobBench;
beforeAll(async () => {
  bench = await JobBench.open();
});
afterAll(() => bench.close());

const now = new Date('2026-11-30T12:00:00Z');
const holds = async (condition: ReturnType<typeof isDue>, dueInMs: number | string, attempts: number) => {
  const at = typeof dueInMs === 'string' ? dueInMs : new Date(now.getTime() + dueInMs).toISOString();
  const { rows } = await sql<{ holds: boolean }>`
    select ${condition} as holds from (select ${at}::timestamptz as due_at, ${attempts}::int as attempts) row`.execute(
    bench.db,
  );
  return rows[0]!.holds;
};

describe('a row is due', () => {
  const due = (ms: number | string, attempts = 1) => holds(isDue(now, { retry, leaseMs: MINUTE }), ms, attempts);

  it('when its time has come', async () => {
    expect([await due(0), await due(-HOUR), await due('-infinity'), await due(1)]).toEqual([true, true, true, false]);
  });

  it('when it lies further ahead than lease and delay allow, so that the clock was ahead when it was put off', async () => {
    expect(await due(MINUTE)).toBe(false);
    expect(await due(HOUR)).toBe(true);
    expect(await due(HOUR, 2)).toBe(false);
    expect(await due(1.1 * HOUR, 9)).toBe(false);
    expect(await due(2 * HOUR, 2)).toBe(true);
    expect(await due(365 * 24 * HOUR, 9)).toBe(true);
  });

  it('not although clocks of two replicas differ by some seconds', async () => {
    expect(await due(MINUTE + 30 * SECOND)).toBe(false);
  });

  it('never when it waits for somebody', async () => {
    expect(await due('infinity')).toBe(false);
  });
});

describe('a lease', () => {
  const past = (ms: number) => holds(isPast(now, 'due_at', MINUTE), ms, 0);

  it('is over when its time has come, or when it was set by a clock that was ahead', async () => {
    expect([await past(0), await past(SECOND), await past(MINUTE), await past(HOUR)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});
