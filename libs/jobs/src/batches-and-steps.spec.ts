import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { eventually } from '#libs/test-kit';
import { HOUR, JobBench, LEASE_MS, type Item } from '../fixtures/job-bench.js';
import { BatchWorker, StepWorker } from './worker.js';

let bench: JobBench;
beforeAll(async () => {
  bench = await JobBench.open();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

describe('a batch', () => {
  class Batches extends BatchWorker<Item> {
    readonly batches: number[][] = [];
    failing = 0;

    constructor() {
      super(bench.context, { name: 'batches', batchSize: 3, pollMs: HOUR, leaseMs: LEASE_MS });
      bench.stopAtTheEnd(this);
    }

    protected override claim(limit: number): Promise<Item[]> {
      return bench.claim(limit);
    }

    protected override async run(batch: readonly Item[]): Promise<void> {
      this.batches.push(batch.map(({ id }) => id));
      if (this.failing-- > 0) throw new Error('no');
      await bench.finish(batch, 'batch');
    }

    protected override about(batch: readonly Item[]): object {
      return { items: batch.length };
    }
  }

  it('is run as a whole, and a full batch is followed by the next immediately', async () => {
    await bench.add(1, 2, 3, 4, 5);
    const worker = new Batches();
    void worker.onApplicationBootstrap();
    await eventually(async () => expect(await bench.doneBy()).toEqual(Array(5).fill('batch')));
    expect(worker.batches).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('fails as a whole', async () => {
    await bench.add(1, 2);
    const worker = new Batches();
    worker.failing = 1;
    await worker.drain();
    expect(bench.log.with('a job failed')).toMatchObject([{ worker: 'batches', items: 2, retryAt: expect.any(Date) }]);
    bench.clock.advance(LEASE_MS + 1);
    await worker.drain();
    expect(await bench.doneBy()).toEqual(['batch', 'batch']);
  });
});

describe('a step', () => {
  class Steps extends StepWorker {
    failing = 0;
    steps = 0;

    constructor() {
      super(bench.context, { name: 'steps', pollMs: HOUR, errorDelaysMs: [10] });
      bench.stopAtTheEnd(this);
    }

    /** Claims and works in one transaction. */
    protected override step(): Promise<boolean> {
      this.steps++;
      if (this.failing-- > 0) return Promise.reject(new Error('no'));
      return bench.em.transactional(async (em) => {
        const { rows } = await sql`
          update item set done_by = 'step' where id = (
            select id from item where done_by is null order by id limit 1 for update skip locked) returning id`.execute(
          em.getKysely(),
        );
        return rows.length > 0;
      });
    }
  }

  it('is repeated while there is more work, and after a failure', async () => {
    await bench.add(1, 2, 3);
    const worker = new Steps();
    worker.failing = 1;
    void worker.onApplicationBootstrap();
    await eventually(async () => expect(await bench.doneBy()).toEqual(['step', 'step', 'step']));
    expect(bench.log.with('look failed and will be retried')).toHaveLength(1);
    const done = 'leaver_job_seconds_count{worker="steps",outcome="done"}';
    await eventually(async () => expect(await bench.counted(done)).toBe(4));
    expect(worker.steps).toBe(5);
    expect(await bench.counted('leaver_job_seconds_count{worker="steps",outcome="retry"}')).toBe(1);
  });
});
