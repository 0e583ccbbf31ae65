import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { eventually } from '#libs/test-kit';
import { Cluster, PROCESSES } from './cluster/cluster.js';
import { Company, expectStatus } from './company/company.js';
import { Traffic } from './company/traffic.js';

/** For the full size run this file alone with `FAULTS_LOAD=10000 FAULTS_REQUESTS=200`. */
const PEOPLE = Number(process.env.FAULTS_LOAD ?? 150);
const REQUESTS = Number(process.env.FAULTS_REQUESTS ?? 40);
const LONG = process.env.FAULTS_LOAD !== undefined;
/** Seconds in which the load rises to the full rate, because new processes are slow at first. */
const RAMP_UP_S = LONG ? 20 : 2;
/** The median response time, in milliseconds, that has to be reached before the departures start. */
const BASELINE_MEDIAN_MS = LONG ? 200 : 2_000;
/** Megabytes by which a service may grow after the first quarter of the departures. */
const MAX_GROWTH_MB = 60;
const ROWS: readonly [service: string, text: string][] = [
  [
    'contacts',
    `insert into contact (id, account_id, external_id, name, assignee, created_at)
     select uuidv7(), $1, 'L-' || p || '-' || n, 'Contact', p, now() from unnest($2::uuid[]) p, generate_series(1, 5) n`,
  ],
  [
    'messaging',
    `insert into live_chat (id, account_id, visitor, operator_id, status, created_at)
     select uuidv7(), $1, 'Visitor', p, 'open', now() from unnest($2::uuid[]) p, generate_series(1, 2) n`,
  ],
  [
    'automations',
    `insert into automation (id, account_id, name, owner_id, active, trigger_kind, created_at)
     select uuidv7(), $1, 'Automation', p, true, 'selected', now() from unnest($2::uuid[]) p`,
  ],
];

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start([], { proxied: false });
}, 180_000);
afterAll(() => cluster?.stop(), 60_000);

it(
  `${PEOPLE.toLocaleString('en')} users leave in one bulk request under a load of ${REQUESTS} requests per second`,
  async () => {
    const company = await Company.create(cluster.url);
    const people = await insertUsers(company, PEOPLE);
    const traffic = new Traffic(company, REQUESTS, RAMP_UP_S);
    traffic.start();
    await eventually(() => traffic.durations.length > REQUESTS * RAMP_UP_S && traffic.median < BASELINE_MEDIAN_MS, {
      timeout: 60_000,
    });
    const watch = new Watch();
    const begun = performance.now();
    const body = { transition: 'deleted', users: people.map((userId) => ({ userId })) };
    const { id } = expectStatus(await company.ask('POST', '/v1/departures/bulk', body), 202).body as { id: string };
    const counts = await eventually(
      async () => {
        await watch.look();
        const { body } = await company.ask('GET', `/v1/departures/bulk/${id}?limit=1`);
        const { counts } = body as { counts: Record<string, number> };
        watch.progress.push((counts.completed! + counts.failed! + counts.refused!) / PEOPLE);
        if (watch.progress.at(-1)! < 1) throw new Error(JSON.stringify(counts));
        return counts;
      },
      { timeout: LONG ? 1_800_000 : 120_000, interval: LONG ? 1_000 : 200 },
    );
    const seconds = (performance.now() - begun) / 1_000;
    await traffic.stop();
    printSummary(seconds, traffic, watch);
    expect(counts).toMatchObject({ completed: PEOPLE, failed: 0, refused: 0 });
    expect(Object.fromEntries(traffic.failed)).toEqual({});
    expect(watch.unready).toEqual([]);
    expect(watch.grown()).toEqual([]);
    expect(await lost(company, people, traffic)).toEqual([]);
  },
  LONG ? 2_000_000 : 150_000,
);

/** Inserts users without a password, with rows in other services. The API would be slow because it hashes passwords. */
async function insertUsers({ accountId }: Company, count: number): Promise<string[]> {
  const { servers } = cluster;
  await servers.query('identity', 'update account set seats = $2 where id = $1', [accountId, count + 100]);
  const people = await servers.query<{ id: string }>(
    'identity',
    `insert into users (id, account_id, staff_id, name, email, status, seat_taken, created_at, updated_at)
     select uuidv7(), $1::uuid, 'L-' || n, 'Leaver ' || n, 'leaver-' || n || '@' || $1::text || '.example', 'active', true, now(), now()
     from generate_series(1, $2::int) n returning id`,
    [accountId, count],
  );
  const ids = people.map(({ id }) => id);
  await servers.query(
    'identity',
    `insert into user_role (id, user_id, role) select uuidv7(), id, 'agent' from unnest($1::uuid[]) id`,
    [ids],
  );
  for (const [service, text] of ROWS) await servers.query(service, text, [accountId, ids]);
  return ids;
}

/** Readiness and memory of the services during the run. */
class Watch {
  readonly unready: string[] = [];
  /** The share of finished departures at each look. */
  readonly progress: number[] = [];
  /** The resident memory of each service at each look, in megabytes. */
  readonly memory = new Map(PROCESSES.map((name) => [name, [] as number[]]));

  async look(): Promise<void> {
    await Promise.all(
      PROCESSES.map(async (name) => {
        const status = await fetch(cluster.healthOf(name)).then((answer) => answer.status, String);
        if (status !== 200) this.unready.push(`${name}: ${status}`);
        const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${cluster.pidOf(name)}/status`, 'utf8'))!;
        this.memory.get(name)!.push(Number(kilobytes) / 1_024);
      }),
    );
  }

  /** The services whose memory has grown by more than `MAX_GROWTH_MB`. */
  grown(): string[] {
    const quarter = this.progress.findIndex((share) => share >= 0.25);
    return [...this.memory].flatMap(([name, sizes]) => {
      const growth = sizes.at(-1)! - Math.max(...sizes.slice(0, quarter + 1));
      return growth > MAX_GROWTH_MB ? [`${name} has grown by ${growth.toFixed(0)} MB`] : [];
    });
  }
}

/** Rows left with leavers, and rows that are missing. */
async function lost({ accountId }: Company, people: readonly string[], { confirmed }: Traffic): Promise<string[]> {
  const counted = async (service: string, text: string, values: unknown[]) =>
    Number((await cluster.servers.query<{ n: string }>(service, text, values))[0]!.n);
  const found = {
    'contacts left with them': await counted(
      'contacts',
      'select count(*) as n from contact where assignee = any($1::uuid[])',
      [people],
    ),
    'chats left with them': await counted(
      'messaging',
      `select count(*) as n from live_chat where operator_id = any($1::uuid[]) and status = 'open'`,
      [people],
    ),
    'active automations left with them': await counted(
      'automations',
      'select count(*) as n from automation where owner_id = any($1::uuid[]) and active',
      [people],
    ),
    'contacts missing':
      confirmed.contacts +
      5 * people.length -
      (await counted('contacts', 'select count(*) as n from contact where account_id = $1', [accountId])),
    'chats missing':
      confirmed.chats +
      2 * people.length -
      (await counted('messaging', 'select count(*) as n from live_chat where account_id = $1', [accountId])),
  };
  return Object.entries(found).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
}

function printSummary(seconds: number, { durations }: Traffic, watch: Watch): void {
  if (!LONG) return;
  const sorted = [...durations].sort((a, b) => a - b);
  const [median, p99] = [0.5, 0.99].map((share) => `${sorted[Math.floor(sorted.length * share)]!.toFixed(0)} ms`);
  const memory = [...watch.memory].map(([name, sizes]) => `${name} ${Math.max(...sizes).toFixed(0)} MB`);
  process.stderr.write(
    `${PEOPLE} departures in ${seconds.toFixed(1)} s with ${durations.length} requests: median ${median}, p99 ${p99}; memory at most ${memory.join(', ')}\n`,
  );
}
