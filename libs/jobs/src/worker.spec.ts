import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { Ids, migrate, migration, TestClock } from '#libs/database';
import { Log, Metrics } from '#libs/observability';
import { eventually, testDatabase, type TestDatabase } from '#libs/test-kit';
import { PermanentError, type ErrorClass } from './classify-error.js';
import { TimeoutError } from './timeout.js';
import { BatchWorker, StepWorker, Worker, type WorkerOptions } from './worker.js';
import { WorkerContext } from './worker-context.js';

interface Item {
  id: number;
  attempts: number;
}

const table = migration(
  '0100-item',
  `create table item (
    id int primary key, attempts int not null default 0, due_at timestamptz not null default '-infinity', done_by text, failed text
  )`,
);
const LEASE_MS = 60_000;
const HOUR = 3_600_000;

class LogLines extends Log {
  readonly lines: { level: string; message: string; [fact: string]: unknown }[] = [];
  private add(level: string, facts: object, message: string): void {
    this.lines.push({ ...facts, level, message });
  }
  override debug = (facts: object, message: string) => this.add('debug', facts, message);
  override info = (facts: object, message: string) => this.add('info', facts, message);
  override warn = (facts: object, message: string) => this.add('warn', facts, message);
  override error = (facts: object, message: string) => this.add('error', facts, message);
  with(message: string) {
    return this.lines.filter((line) => line.message === message);
  }
}

class Refused extends PermanentError {
  readonly code = 'refused';
}

/** Holds whoever waits until it is opened. */
class Gate {
  private readonly opened = Promise.withResolvers<void>();
  entered = 0;
  enter(): Promise<void> {
    this.entered++;
    return this.opened.promise;
  }
  open(): void {
    this.opened.resolve();
  }
}

let database: TestDatabase;
let orm: MikroORM;
let clock: TestClock;
let log: LogLines;
let metrics: Metrics;
const started: (Worker<Item> | BatchWorker<Item> | StepWorker)[] = [];
const gates: Gate[] = [];

beforeAll(async () => {
  database = await testDatabase({
    name: 'jobs',
    fingerprint: table.name,
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, [table])),
  });
  orm = await MikroORM.init({ clientUrl: database.url, entities: [], discovery: { warnWhenNoEntities: false } });
});
beforeEach(() => {
  clock = new TestClock();
  log = new LogLines();
  metrics = new Metrics(clock);
});
afterEach(async () => {
  for (const gate of gates.splice(0)) gate.open();
  await Promise.all(started.splice(0).map((worker) => worker.beforeApplicationShutdown()));
  await sql`delete from item`.execute(db());
});
afterAll(async () => {
  await orm?.close(true);
  await database?.drop();
});

const db = () => (orm.em as EntityManager).fork().getKysely();
const context = () => new WorkerContext(clock, new Ids(clock), log, metrics);
const gate = () => {
  gates.push(new Gate());
  return gates.at(-1)!;
};
const add = (...ids: number[]) => sql`insert into item (id) select unnest(${ids}::int[])`.execute(db());
const items = async () =>
  (
    await sql<{
      id: number;
      attempts: number;
      done_by: string;
      failed: string;
    }>`select * from item order by id`.execute(db())
  ).rows;
const doneBy = async () => (await items()).map((item) => item.done_by);
const dueIn = async (id: number) => {
  const { rows } = await sql<{ ms: number }>`
    select extract(epoch from due_at - ${clock.now()}::timestamptz)::float8 * 1000 as ms from item where id = ${id}`.execute(
    db(),
  );
  return rows[0]!.ms;
};
const counted = async (line: string) =>
  Number(new RegExp(`^${line} (\\d+)`, 'm').exec(await metrics.render())?.[1] ?? 0);

const leaseEnd = () => new Date(clock.millis() + LEASE_MS);

async function claimItems(limit: number): Promise<Item[]> {
  const now = clock.now();
  const { rows } = await sql<Item>`
    with due as materialized (
      select id from item where done_by is null and failed is null and due_at <= ${now} order by id limit ${limit} for update skip locked
    )
    update item set attempts = attempts + 1, due_at = ${leaseEnd()} from due where item.id = due.id
    returning item.id, item.attempts`.execute(db());
  return rows.sort((one, other) => one.id - other.id);
}

const finish = (ids: readonly number[], by: string) =>
  sql`update item set done_by = ${by} where id = any(${ids}::int[]) and done_by is null`.execute(db());

/** A worker of the usual kind, with places at which a test can step in. */
class Items extends Worker<Item> {
  readonly claims: number[] = [];
  readonly ran: number[] = [];
  readonly failures: ErrorClass[] = [];
  signal?: AbortSignal;

  constructor(
    private readonly replica: string,
    private readonly work: (item: Item, signal: AbortSignal) => Promise<void> = async () => {},
    options: Partial<WorkerOptions> = {},
  ) {
    super(context(), { name: 'items', pollMs: HOUR, leaseMs: LEASE_MS, ...options });
    this.shutdownTimeoutMs = 2_000;
    started.push(this);
  }

  begin(): this {
    void this.onApplicationBootstrap();
    return this;
  }

  /** Has a shutdown wait for so long. */
  patient(milliseconds: number): this {
    this.shutdownTimeoutMs = milliseconds;
    return this;
  }

  protected override async claim(limit: number): Promise<Item[]> {
    const claimed = await claimItems(limit);
    this.claims.push(claimed.length);
    return claimed;
  }

  protected override async run(item: Item, signal: AbortSignal): Promise<void> {
    this.ran.push(item.id);
    this.signal = signal;
    await this.work(item, signal);
    await finish([item.id], this.replica);
  }

  protected override async failed(item: Item, failure: ErrorClass): Promise<Date | undefined> {
    this.failures.push(failure);
    const dueAt = failure.kind === 'permanent' ? undefined : this.retryAt(item.attempts - 1);
    if (dueAt) await sql`update item set due_at = ${dueAt} where id = ${item.id}`.execute(db());
    else await sql`update item set failed = ${failure.code} where id = ${item.id}`.execute(db());
    return dueAt;
  }

  protected override about({ id, attempts }: Item): object {
    return { item: id, attempts };
  }
}

describe('a wake-up', () => {
  it('during a run is not lost', async () => {
    const held = gate();
    await add(1);
    const worker = new Items('a', ({ id }) => (id === 1 ? held.enter() : Promise.resolve())).begin();
    await eventually(() => held.entered === 1);
    await add(2);
    worker.wake();
    held.open();
    await eventually(async () => expect(await doneBy()).toEqual(['a', 'a']));
  });

  it('during a claim that finds nothing is not lost', async () => {
    const held = gate();
    class SlowClaim extends Items {
      protected override async claim(limit: number): Promise<Item[]> {
        const claimed = await super.claim(limit);
        if (this.claims.length === 1) await held.enter();
        return claimed;
      }
    }
    const worker = new SlowClaim('a').begin();
    await eventually(() => held.entered === 1);
    await add(1);
    worker.wake();
    held.open();
    await eventually(async () => expect(await doneBy()).toEqual(['a']));
  });

  it('is not needed for what becomes due between two polls', async () => {
    const worker = new Items('a', undefined, { pollMs: 20 }).begin();
    await eventually(() => worker.claims.length > 0);
    await add(1);
    await eventually(async () => expect(await doneBy()).toEqual(['a']));
  });
});

describe('items', () => {
  it('are shared by replicas, and each is run once', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => n + 1);
    await add(...ids);
    const both = gate();
    // Neither goes on before the other has its share.
    const work = async () => {
      void both.enter();
      await eventually(() => both.entered >= 2, { interval: 1 });
    };
    const workers = ['a', 'b'].map((name) => new Items(name, work).begin());
    await eventually(async () => expect(await doneBy()).not.toContain(null));
    expect(workers.flatMap((worker) => worker.ran).sort((one, other) => one - other)).toEqual(ids);
    expect(new Set(await doneBy())).toEqual(new Set(['a', 'b']));
  });

  it('run side by side up to the concurrency, and free slots are filled', async () => {
    const held = gate();
    await add(1, 2, 3, 4);
    const worker = new Items('a', ({ id }) => (id === 1 ? held.enter() : Promise.resolve()), {
      concurrency: 2,
    }).begin();
    await eventually(async () => expect(await doneBy()).toEqual([null, 'a', 'a', 'a']));
    held.open();
    await eventually(async () => expect(await doneBy()).toEqual(['a', 'a', 'a', 'a']));
    expect(Math.max(...worker.claims)).toBe(1);
  });

  it('are claimed in batches, and again until nothing is due', async () => {
    await add(1, 2, 3, 4, 5);
    const worker = new Items('a', undefined, { batchSize: 3 });
    await worker.drain();
    expect(worker.claims).toEqual([3, 2, 0]);
    expect(await doneBy()).toEqual(['a', 'a', 'a', 'a', 'a']);
  });

  it('that are done are measured', async () => {
    await add(1, 2);
    await new Items('a', undefined, { batchSize: 2 }).drain();
    expect(await counted('leaver_job_seconds_count{worker="items",outcome="done"}')).toBe(2);
  });
});

describe('a lease', () => {
  it('that runs out hands the item of a crashed replica over', async () => {
    const crashed = gate();
    await add(1);
    const worker = new Items('a', () => crashed.enter()).begin();
    await eventually(() => crashed.entered === 1);
    const other = new Items('b');
    await other.drain();
    expect(other.ran).toEqual([]);
    clock.advance(LEASE_MS + 1);
    await other.drain();
    expect(await doneBy()).toEqual(['b']);
    expect(worker.ran).toEqual([1]);
  });

  it('is renewed while the item runs', async () => {
    const held = gate();
    let renewals = 0;
    class Renewing extends Items {
      protected override async renew({ id }: Item): Promise<void> {
        await sql`update item set due_at = ${leaseEnd()} where id = ${id}`.execute(db());
        renewals++;
      }
    }
    const another = async () => {
      const before = renewals;
      // The one under way may have begun before.
      await eventually(() => renewals > before + 1);
    };
    await add(1);
    // A renewal every 10 ms, each for a minute as the claim.
    new Renewing('a', () => held.enter(), { leaseMs: 30 }).begin();
    const other = new Items('b');
    await eventually(() => held.entered === 1);
    for (let minute = 1; minute <= 3; minute++) {
      await another();
      clock.advance(LEASE_MS - 10_000);
      await other.drain();
    }
    expect(other.ran).toEqual([]);
    held.open();
    await eventually(async () => expect(await doneBy()).toEqual(['a']));
  });

  it('that cannot be renewed is logged and counted', async () => {
    const held = gate();
    class Renewing extends Items {
      protected override renew(): Promise<void> {
        return Promise.reject(Object.assign(new Error('secret'), { code: '57P01' }));
      }
    }
    await add(1);
    new Renewing('a', () => held.enter(), { leaseMs: 30 }).begin();
    await eventually(() => log.with('a lease was not renewed').length > 1);
    expect(log.lines[0]).toMatchObject({ level: 'warn', worker: 'items', item: 1, attempts: 1, code: '57P01' });
    expect(JSON.stringify(log.lines)).not.toContain('secret');
    expect(await counted('leaver_job_errors_total{worker="items",operation="renew"}')).toBeGreaterThan(1);
  });
});

describe('an item that fails', () => {
  const failingWith = (error: unknown, options: Partial<WorkerOptions> = {}) =>
    new Items('a', () => Promise.reject(error), options);

  it.each([
    ['40001', 'transient'],
    ['57P01', 'transient'],
    ['ECONNREFUSED', 'transient'],
    ['service-unavailable', 'transient'],
    ['23514', 'retry'],
    ['not-found', 'retry'],
  ])('with %s is %s', async (code, kind) => {
    await add(1);
    const worker = failingWith(Object.assign(new Error('no'), { code }));
    await worker.drain();
    expect(worker.failures).toEqual([{ kind, code }]);
    expect(await counted(`leaver_job_seconds_count{worker="items",outcome="${kind}"}`)).toBe(1);
  });

  it.each([
    'Connection terminated unexpectedly',
    'Client has encountered a connection error and is not queryable',
    'timeout exceeded when trying to connect',
  ])('because of a lost connection without a code (%s) is transient', async (message) => {
    await add(1);
    const worker = failingWith(new Error(message));
    await worker.drain();
    expect(worker.failures).toMatchObject([{ kind: 'transient' }]);
  });

  it('is tried again after growing delays, and given up after the last one', async () => {
    await add(1);
    const worker = failingWith(new Error('no'), { retry: { delaysMs: [1_000, 5_000] } });
    for (const delay of [1_000, 5_000]) {
      await worker.drain();
      expect(await dueIn(1)).toBeGreaterThan(delay - 500);
      expect(await dueIn(1)).toBeLessThanOrEqual(delay);
      clock.advance(delay);
    }
    await worker.drain();
    expect(await items()).toMatchObject([{ attempts: 3, failed: 'Error', done_by: null }]);
    expect(log.with('a job failed').map(({ attempts, retryAt }) => [attempts, retryAt])).toEqual([
      [1, expect.any(Date)],
      [2, expect.any(Date)],
      [3, null],
    ]);
  });

  it('can be tried for ever with the last delay', async () => {
    await add(1);
    const worker = failingWith(new Error('no'), { retry: { delaysMs: [100, 200], retryLimit: Infinity } });
    for (let attempt = 1; attempt <= 5; attempt++) {
      await worker.drain();
      clock.advance(200);
    }
    expect(await items()).toMatchObject([{ attempts: 5, failed: null }]);
  });

  it('permanently is not tried again', async () => {
    await add(1);
    const worker = failingWith(new Refused());
    await worker.drain();
    expect(worker.failures).toEqual([{ kind: 'permanent', code: 'refused' }]);
    expect(await items()).toMatchObject([{ attempts: 1, failed: 'refused' }]);
  });

  it('does not stop the others', async () => {
    await add(1, 2, 3);
    const worker = new Items('a', ({ id }) => (id === 2 ? Promise.reject(new Error('no')) : Promise.resolve()));
    await worker.drain();
    expect(await doneBy()).toEqual(['a', null, 'a']);
  });

  it('is claimed again when its lease runs out, where the worker records nothing', async () => {
    class Silent extends Items {
      protected override failed = Worker.prototype['failed'] as never;
    }
    await add(1);
    let failures = 1;
    const worker = new Silent('a', () => (failures-- > 0 ? Promise.reject(new Error('no')) : Promise.resolve()));
    await worker.drain();
    expect(await items()).toMatchObject([{ attempts: 1, failed: null, done_by: null }]);
    clock.advance(LEASE_MS + 1);
    await worker.drain();
    expect(await doneBy()).toEqual(['a']);
  });

  it('and whose failure cannot be recorded makes the worker back off', async () => {
    class Unrecorded extends Items {
      protected override failed(): Promise<undefined> {
        return Promise.reject(new Error('no database'));
      }
    }
    await add(1);
    const worker = new Unrecorded('a', () => Promise.reject(new Error('no')), { errorDelaysMs: [HOUR] }).begin();
    await eventually(() => log.with('a step failed and will be tried again').length === 1);
    expect(worker.claims).toEqual([1]);
    expect(await counted('leaver_job_errors_total{worker="items",operation="reschedule"}')).toBe(1);
  });
});

describe('a time-out', () => {
  it('fails the item, aborts its signal and frees its slot', async () => {
    const held = gate();
    await add(1, 2);
    const aborted: unknown[] = [];
    const work = ({ id }: Item, signal: AbortSignal) => {
      signal.onabort = () => aborted.push(signal.reason);
      return id === 1 ? held.enter() : Promise.resolve();
    };
    const worker = new Items('a', work, { timeoutMs: 500 }).begin();
    await eventually(async () => expect(await doneBy()).toEqual([null, 'a']));
    expect(aborted).toEqual([expect.any(TimeoutError)]);
    expect(worker.failures).toEqual([{ kind: 'retry', code: 'timeout' }]);
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

  it('is made again after growing delays, and is logged and counted', async () => {
    await add(1);
    new Broken('a', undefined, { errorDelaysMs: [10, 20] }).begin();
    await eventually(async () => expect(await doneBy()).toEqual(['a']));
    expect(log.lines).toMatchObject([
      { level: 'error', worker: 'items', attempts: 1, retryInMs: 10, code: 'XX000' },
      { level: 'error', worker: 'items', attempts: 2, retryInMs: 20, code: 'XX000' },
    ]);
    expect(JSON.stringify(log.lines)).not.toContain('secret');
    expect(await counted('leaver_job_errors_total{worker="items",operation="look"}')).toBe(2);
  });

  it('is not made again by a wake-up', async () => {
    const worker = new Broken('a', undefined, { errorDelaysMs: [HOUR] }).begin();
    await eventually(() => log.lines.length === 1);
    worker.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(worker.failing).toBe(1);
    await worker.beforeApplicationShutdown();
    expect(log.lines).toHaveLength(1);
  });
});

describe('a shutdown', () => {
  it('waits for the item at work, tells it, and claims no other', async () => {
    const held = gate();
    await add(1, 2);
    const worker = new Items('a', () => held.enter()).begin();
    await eventually(() => held.entered === 1);
    let ended = false;
    const shutdown = worker.beforeApplicationShutdown().then(() => (ended = true));
    expect(worker.signal!.aborted).toBe(true);
    worker.wake();
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    held.open();
    await shutdown;
    expect(await doneBy()).toEqual(['a', null]);
    expect(log.lines).toEqual([]);
  });

  it('does not wait for ever', async () => {
    const held = gate();
    await add(1);
    const worker = new Items('a', () => held.enter()).patient(20).begin();
    await eventually(() => held.entered === 1);
    await worker.beforeApplicationShutdown();
    expect(log.with('a worker was stopped before its work had ended')).toHaveLength(1);
  });

  it('ends a back-off and a wait for the next poll', async () => {
    const broken = new Items('a', undefined, { errorDelaysMs: [HOUR] });
    broken['claim'] = () => Promise.reject(new Error('no'));
    const idle = new Items('b').begin();
    broken.begin();
    await eventually(() => idle.claims.length === 1 && log.lines.length === 1);
    await Promise.all([broken, idle].map((worker) => worker.beforeApplicationShutdown()));
    expect(log.lines).toHaveLength(1);
  });
});

describe('a batch', () => {
  class Batches extends BatchWorker<Item> {
    readonly batches: number[][] = [];
    failing = 0;

    constructor() {
      super(context(), { name: 'batches', batchSize: 3, pollMs: HOUR, leaseMs: LEASE_MS });
      started.push(this);
    }

    protected override claim(limit: number): Promise<Item[]> {
      return claimItems(limit);
    }

    protected override async run(batch: readonly Item[]): Promise<void> {
      this.batches.push(batch.map(({ id }) => id));
      if (this.failing-- > 0) throw new Error('no');
      await finish(
        batch.map(({ id }) => id),
        'batch',
      );
    }

    protected override about(batch: readonly Item[]): object {
      return { items: batch.length };
    }
  }

  it('is worked off as one, and a full one is followed by another at once', async () => {
    await add(1, 2, 3, 4, 5);
    const worker = new Batches();
    void worker.onApplicationBootstrap();
    await eventually(async () => expect(await doneBy()).toEqual(Array(5).fill('batch')));
    expect(worker.batches).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('fails as one', async () => {
    await add(1, 2);
    const worker = new Batches();
    worker.failing = 1;
    await worker.drain();
    expect(log.with('a job failed')).toMatchObject([{ worker: 'batches', items: 2, retryAt: expect.any(Date) }]);
    clock.advance(LEASE_MS + 1);
    await worker.drain();
    expect(await doneBy()).toEqual(['batch', 'batch']);
  });
});

describe('a step', () => {
  class Steps extends StepWorker {
    failing = 0;
    steps = 0;

    constructor() {
      super(context(), { name: 'steps', pollMs: HOUR, errorDelaysMs: [10] });
      started.push(this);
    }

    /** Claims and works in one transaction. */
    protected override step(): Promise<boolean> {
      this.steps++;
      if (this.failing-- > 0) return Promise.reject(new Error('no'));
      return (orm.em as EntityManager).fork().transactional(async (em) => {
        const { rows } = await sql`
          update item set done_by = 'step' where id = (
            select id from item where done_by is null order by id limit 1 for update skip locked) returning id`.execute(
          em.getKysely(),
        );
        return rows.length > 0;
      });
    }
  }

  it('is repeated while there is more, and after a failure', async () => {
    await add(1, 2, 3);
    const worker = new Steps();
    worker.failing = 1;
    void worker.onApplicationBootstrap();
    await eventually(async () => expect(await doneBy()).toEqual(['step', 'step', 'step']));
    await eventually(() => worker.steps === 5);
    expect(log.with('a step failed and will be tried again')).toHaveLength(1);
    expect(await counted('leaver_job_seconds_count{worker="steps",outcome="done"}')).toBe(4);
    expect(await counted('leaver_job_seconds_count{worker="steps",outcome="retry"}')).toBe(1);
  });
});
