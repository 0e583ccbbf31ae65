import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import { HOUR, Items, JobBench, LEASE_MS, type Item } from '../fixtures/job-bench.js';
import { PermanentError } from './classify-error.js';
import { Worker, type WorkerOptions } from './worker.js';

class Refused extends PermanentError {
  readonly code = 'refused';
}

let bench: JobBench;
beforeAll(async () => {
  bench = await JobBench.open();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

describe('an item that fails', () => {
  const failingWith = (error: unknown, options: Partial<WorkerOptions> = {}) =>
    new Items(bench, 'a', () => Promise.reject(error), options);

  it.each([
    ['40001', 'transient'],
    ['57P01', 'transient'],
    ['57014', 'transient'],
    ['55P03', 'transient'],
    ['25P03', 'transient'],
    ['ETIMEDOUT', 'transient'],
    ['ECONNREFUSED', 'transient'],
    ['service-unavailable', 'transient'],
    ['23514', 'retry'],
    ['not-found', 'retry'],
  ])('with %s is %s', async (code, kind) => {
    await bench.add(1);
    const worker = failingWith(Object.assign(new Error('no'), { code }));
    await worker.drain();
    expect(worker.failures).toEqual([{ kind, code }]);
    expect(await bench.counted(`leaver_job_seconds_count{worker="items",outcome="${kind}"}`)).toBe(1);
  });

  it.each([
    'Connection terminated unexpectedly',
    'Client has encountered a connection error and is not queryable',
    'timeout exceeded when trying to connect',
  ])('because of a lost connection without a code (%s) is transient', async (message) => {
    await bench.add(1);
    const worker = failingWith(new Error(message));
    await worker.drain();
    expect(worker.failures).toMatchObject([{ kind: 'transient' }]);
  });

  it('because fetch could not connect is transient', async () => {
    await bench.add(1);
    const worker = failingWith(
      new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
    );
    await worker.drain();
    expect(worker.failures).toEqual([{ kind: 'transient', code: 'ECONNREFUSED' }]);
  });

  it('is retried with growing delays and given up after the last one', async () => {
    await bench.add(1);
    const worker = failingWith(new Error('no'), { retry: { delaysMs: [1_000, 5_000] } });
    for (const delay of [1_000, 5_000]) {
      await worker.drain();
      expect(await bench.dueIn(1)).toBeGreaterThan(delay - 500);
      expect(await bench.dueIn(1)).toBeLessThanOrEqual(delay);
      bench.clock.advance(delay);
    }
    await worker.drain();
    expect(await bench.items()).toMatchObject([{ attempts: 3, failed: 'Error', done_by: null }]);
    expect(bench.log.with('a job failed').map(({ attempts, retryAt }) => [attempts, retryAt])).toEqual([
      [1, expect.any(Date)],
      [2, expect.any(Date)],
      [3, null],
    ]);
  });

  it('can be retried forever with the last delay', async () => {
    await bench.add(1);
    const worker = failingWith(new Error('no'), { retry: { delaysMs: [100, 200], retryLimit: Infinity } });
    for (let attempt = 1; attempt <= 5; attempt++) {
      await worker.drain();
      bench.clock.advance(200);
    }
    expect(await bench.items()).toMatchObject([{ attempts: 5, failed: null }]);
  });

  it('permanently is not retried', async () => {
    await bench.add(1);
    const worker = failingWith(new Refused());
    await worker.drain();
    expect(worker.failures).toEqual([{ kind: 'permanent', code: 'refused' }]);
    expect(await bench.items()).toMatchObject([{ attempts: 1, failed: 'refused' }]);
  });

  it('does not stop other items', async () => {
    await bench.add(1, 2, 3);
    const worker = new Items(bench, 'a', ({ id }) => (id === 2 ? Promise.reject(new Error('no')) : Promise.resolve()));
    await worker.drain();
    expect(await bench.doneBy()).toEqual(['a', null, 'a']);
  });

  it('is claimed again when its lease expires, if the worker records nothing', async () => {
    class Silent extends Items {
      protected override failed = Worker.prototype['failed'] as never;
    }
    await bench.add(1);
    let failures = 1;
    const worker = new Silent(bench, 'a', () => (failures-- > 0 ? Promise.reject(new Error('no')) : Promise.resolve()));
    await worker.drain();
    expect(await bench.items()).toMatchObject([{ attempts: 1, failed: null, done_by: null }]);
    bench.clock.advance(LEASE_MS + 1);
    await worker.drain();
    expect(await bench.doneBy()).toEqual(['a']);
  });

  it('and cannot be recorded makes the worker back off', async () => {
    class Unrecorded extends Items {
      protected override failed(): Promise<undefined> {
        return Promise.reject(new Error('no database'));
      }
    }
    await bench.add(1);
    const worker = new Unrecorded(bench, 'a', () => Promise.reject(new Error('no')), { errorDelaysMs: [HOUR] }).begin();
    await eventually(() => bench.log.with('look failed and will be retried').length === 1);
    expect(worker.claims).toEqual([1]);
    expect(await bench.counted('leaver_job_errors_total{worker="items",operation="reschedule"}')).toBe(1);
  });
});

describe('a claim that throws', () => {
  class Broken extends Items {
    failing = 2;
    protected override claim(limit: number): Promise<Item[]> {
      if (this.failing-- > 0) return Promise.reject(Object.assign(new Error('secret'), { code: 'XX000' }));
      return super.claim(limit);
    }
  }

  it('is retried with growing delays, and is logged and counted', async () => {
    await bench.add(1);
    new Broken(bench, 'a', undefined, { errorDelaysMs: [10, 20] }).begin();
    await eventually(async () => expect(await bench.doneBy()).toEqual(['a']));
    expect(bench.log.lines).toMatchObject([
      { level: 'error', worker: 'items', attempts: 1, retryInMs: 10, code: 'XX000' },
      { level: 'error', worker: 'items', attempts: 2, retryInMs: 20, code: 'XX000' },
    ]);
    expect(JSON.stringify(bench.log.lines)).not.toContain('secret');
    expect(await bench.counted('leaver_job_errors_total{worker="items",operation="look"}')).toBe(2);
  });

  it('is not retried early by a wake-up', async () => {
    const worker = new Broken(bench, 'a', undefined, { errorDelaysMs: [HOUR] }).begin();
    await eventually(() => bench.log.lines.length === 1);
    worker.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(worker.failing).toBe(1);
    await worker.beforeApplicationShutdown();
    expect(bench.log.lines).toHaveLength(1);
  });
});
