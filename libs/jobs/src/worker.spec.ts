import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { eventually } from '#libs/test-kit';
import { HOUR, Items, JobBench, LEASE_MS, type Item } from '../fixtures/job-bench.js';
import { TimeoutError } from './timeout.js';

let bench: JobBench;
beforeAll(async () => {
  bench = await JobBench.open();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

describe('a wake-up', () => {
  it('during a run is not lost', async () => {
    const held = bench.gate();
    await bench.add(1);
    const worker = new Items(bench, 'a', ({ id }) => (id === 1 ? held.enter() : Promise.resolve())).begin();
    await eventually(() => held.entered === 1);
    await bench.add(2);
    worker.wake();
    held.open();
    await eventually(async () => expect(await bench.doneBy()).toEqual(['a', 'a']));
  });

  it('during a claim that finds nothing is not lost', async () => {
    const held = bench.gate();
    class SlowClaim extends Items {
      protected override async claim(limit: number): Promise<Item[]> {
        const claimed = await super.claim(limit);
        if (this.claims.length === 1) await held.enter();
        return claimed;
      }
    }
    const worker = new SlowClaim(bench, 'a').begin();
    await eventually(() => held.entered === 1);
    await bench.add(1);
    worker.wake();
    held.open();
    await eventually(async () => expect(await bench.doneBy()).toEqual(['a']));
  });

  it('is not needed for items that become due between two polls', async () => {
    const worker = new Items(bench, 'a', undefined, { pollMs: 20 }).begin();
    await eventually(() => worker.claims.length > 0);
    await bench.add(1);
    await eventually(async () => expect(await bench.doneBy()).toEqual(['a']));
  });
});

describe('a worker that waits for its next poll', () => {
  it('looks when one of its tables has been written to', async () => {
    const worker = new Items(bench, 'a', undefined, { wokenBy: ['item'] }).begin();
    await eventually(() => worker.claims.length === 1);
    await bench.add(1);
    await eventually(async () => expect(await bench.doneBy()).toEqual(['a']));
  });

  it('looks when the next attempt at an item is due', async () => {
    await bench.add(1);
    let attempts = 0;
    const work = () => (++attempts === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve());
    new Items(bench, 'a', work, { retry: { delaysMs: [20] } }).begin();
    await eventually(async () => expect(await bench.doneBy()).toEqual(['a']));
  });
});

describe('items', () => {
  it('are shared by replicas and run once each', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => n + 1);
    await bench.add(...ids);
    const both = bench.gate();
    // Neither worker continues before both have an item.
    const work = async () => {
      void both.enter();
      await eventually(() => both.entered >= 2, { interval: 1 });
    };
    const workers = ['a', 'b'].map((name) => new Items(bench, name, work).begin());
    await eventually(async () => expect(await bench.doneBy()).not.toContain(null));
    expect(workers.flatMap((worker) => worker.ran).sort((one, other) => one - other)).toEqual(ids);
    expect(new Set(await bench.doneBy())).toEqual(new Set(['a', 'b']));
  });

  it('run in parallel up to the concurrency, and free slots are filled', async () => {
    const held = bench.gate();
    await bench.add(1, 2, 3, 4);
    const worker = new Items(bench, 'a', ({ id }) => (id === 1 ? held.enter() : Promise.resolve()), {
      concurrency: 2,
    }).begin();
    await eventually(async () => expect(await bench.doneBy()).toEqual([null, 'a', 'a', 'a']));
    held.open();
    await eventually(async () => expect(await bench.doneBy()).toEqual(['a', 'a', 'a', 'a']));
    expect(Math.max(...worker.claims)).toBe(1);
  });

  it('are claimed in batches until nothing is due', async () => {
    await bench.add(1, 2, 3, 4, 5);
    const worker = new Items(bench, 'a', undefined, { batchSize: 3 });
    await worker.drain();
    expect(worker.claims).toEqual([3, 2, 0]);
    expect(await bench.doneBy()).toEqual(['a', 'a', 'a', 'a', 'a']);
  });

  it('are measured when done', async () => {
    await bench.add(1, 2);
    await new Items(bench, 'a', undefined, { batchSize: 2 }).drain();
    expect(await bench.counted('leaver_job_seconds_count{worker="items",outcome="done"}')).toBe(2);
  });
});

describe('a lease', () => {
  it('that expires lets another replica take over the item of a crashed one', async () => {
    const crashed = bench.gate();
    await bench.add(1);
    const worker = new Items(bench, 'a', () => crashed.enter()).begin();
    await eventually(() => crashed.entered === 1);
    const other = new Items(bench, 'b');
    await other.drain();
    expect(other.ran).toEqual([]);
    bench.clock.advance(LEASE_MS + 1);
    await other.drain();
    expect(await bench.doneBy()).toEqual(['b']);
    expect(worker.ran).toEqual([1]);
  });

  it('is renewed while the item runs', async () => {
    const held = bench.gate();
    let renewals = 0;
    class Renewing extends Items {
      protected override async renew({ id }: Item): Promise<void> {
        await sql`update item set due_at = ${bench.leaseUntil()} where id = ${id}`.execute(bench.db);
        renewals++;
      }
    }
    const another = async () => {
      const before = renewals;
      // A renewal already in progress may have started earlier, so one more is awaited.
      await eventually(() => renewals > before + 1);
    };
    await bench.add(1);
    // A renewal every 10 ms; each extends the lease by a minute, like the claim.
    new Renewing(bench, 'a', () => held.enter(), { leaseMs: 30 }).begin();
    const other = new Items(bench, 'b');
    await eventually(() => held.entered === 1);
    for (let minute = 1; minute <= 3; minute++) {
      await another();
      bench.clock.advance(LEASE_MS - 10_000);
      await other.drain();
    }
    expect(other.ran).toEqual([]);
    held.open();
    await eventually(async () => expect(await bench.doneBy()).toEqual(['a']));
  });

  it('that cannot be renewed is logged and counted', async () => {
    const held = bench.gate();
    class Renewing extends Items {
      protected override renew(): Promise<void> {
        return Promise.reject(Object.assign(new Error('secret'), { code: '57P01' }));
      }
    }
    await bench.add(1);
    new Renewing(bench, 'a', () => held.enter(), { leaseMs: 30 }).begin();
    await eventually(() => bench.log.with('a lease was not renewed').length > 1);
    expect(bench.log.lines[0]).toMatchObject({ level: 'warn', worker: 'items', item: 1, attempts: 1, code: '57P01' });
    expect(JSON.stringify(bench.log.lines)).not.toContain('secret');
    expect(await bench.counted('leaver_job_errors_total{worker="items",operation="renew"}')).toBeGreaterThan(1);
  });
});

describe('a timeout', () => {
  it('fails the item, aborts its signal and frees its slot', async () => {
    const held = bench.gate();
    await bench.add(1, 2);
    const aborted: unknown[] = [];
    const work = ({ id }: Item, signal: AbortSignal) => {
      signal.onabort = () => aborted.push(signal.reason);
      return id === 1 ? held.enter() : Promise.resolve();
    };
    const worker = new Items(bench, 'a', work, { timeoutMs: 500 }).begin();
    await eventually(async () => expect(await bench.doneBy()).toEqual([null, 'a']));
    expect(aborted).toEqual([expect.any(TimeoutError)]);
    expect(worker.failures).toEqual([{ kind: 'retry', code: 'timeout' }]);
  });
});

describe('a shutdown', () => {
  it('waits for the running item, aborts its signal, and claims no other', async () => {
    const held = bench.gate();
    await bench.add(1, 2);
    const worker = new Items(bench, 'a', () => held.enter()).begin();
    await eventually(() => held.entered === 1);
    let ended = false;
    const shutdown = worker.beforeApplicationShutdown().then(() => (ended = true));
    expect(worker.signal!.aborted).toBe(true);
    worker.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    held.open();
    await shutdown;
    expect(await bench.doneBy()).toEqual(['a', null]);
    expect(bench.log.lines).toEqual([]);
  });

  it('does not wait forever', async () => {
    const held = bench.gate();
    await bench.add(1);
    const worker = new Items(bench, 'a', () => held.enter()).withShutdownTimeout(20).begin();
    await eventually(() => held.entered === 1);
    await worker.beforeApplicationShutdown();
    expect(bench.log.with('worker stopped before its work had finished')).toHaveLength(1);
  });

  it('ends a back-off and a poll wait', async () => {
    const broken = new Items(bench, 'a', undefined, { errorDelaysMs: [HOUR] });
    broken['claim'] = () => Promise.reject(new Error('no'));
    const idle = new Items(bench, 'b').begin();
    broken.begin();
    await eventually(() => idle.claims.length === 1 && bench.log.lines.length === 1);
    await Promise.all([broken, idle].map((worker) => worker.beforeApplicationShutdown()));
    expect(bench.log.lines).toHaveLength(1);
  });
});
