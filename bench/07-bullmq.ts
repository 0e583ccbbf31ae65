import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '#libs/local-servers';
import { Queue, Worker } from 'bullmq';
import pg from 'pg';
import { compareRates, inTurn, type Measure } from './support/measure.js';
import { directoryOf, personId } from './support/people.js';
import { withNats } from './support/stage.js';
import { engine } from './05-leavers.js';
import { contacts } from './scenes/contacts.js';

const CONCURRENCY = 10;

/** One job per user, ten at a time, each with hand-written statements for its user. Needs `redis-server`. */
export const bullmq: Measure = {
  number: 7,
  name: 'bullmq',
  run: async (bench) => {
    const redis = await startRedis();
    const { stage, size } = bench;
    const [people, some] = [size(10_000), size(1_500)];
    const { name, migrations } = contacts.parts;
    const template = await stage.template(name, migrations, [directoryOf(people), ...contacts.rows(people)]);
    const connection = { host: '127.0.0.1', port: redis.port };
    const { ours, theirs } = await withNats(stage, (nats) =>
      inTurn(bench, 2, {
        ours: engine(contacts, people, () => template.copy(), nats),
        theirs: {
          prepare: async () => {
            const copy = await template.copy();
            const pool = new pg.Pool({ connectionString: copy.url, max: CONCURRENCY });
            const queue = new Queue('departures', { connection });
            await queue.obliterate({ force: true });
            const jobs = Array.from({ length: some }, (_, n) => ({
              name: 'deleted',
              data: { userId: personId(n + 1) },
            }));
            await queue.addBulk(jobs);
            return { copy, pool, queue };
          },
          run: async ({ pool }) => {
            await allJobs(connection, some, (userId) => erase(pool, userId));
            return some;
          },
          finish: async ({ copy, pool, queue }) => {
            await queue.close();
            await pool.end();
            await copy.drop();
          },
        },
      }),
    ).finally(() => redis.stop());
    const words = {
      what: `${people.toLocaleString('en')} leavers with 50 rows: contacts`,
      against: 'BullMQ, one job per user',
      goal: { atLeast: 10 },
    };
    return [compareRates(words, ours, theirs, 'leavers')];
  },
};

async function allJobs(
  connection: { host: string; port: number },
  jobs: number,
  work: (userId: string) => Promise<void>,
) {
  let left = jobs;
  const worker = new Worker('departures', ({ data }) => work(data.userId), { connection, concurrency: CONCURRENCY });
  await new Promise<void>((resolve, reject) => {
    worker.on('completed', () => --left === 0 && resolve());
    worker.on('failed', (_, error) => reject(error));
  });
  await worker.close();
}

async function erase(pool: pg.Pool, userId: string): Promise<void> {
  const client = await pool.connect();
  await client.query('begin');
  for (const text of contacts.byHand)
    await client.query(text, text.includes('$2') ? [[userId], personId(0)] : [[userId]]);
  await client.query('commit');
  client.release();
}

async function startRedis(): Promise<{ port: number; stop: () => Promise<void> }> {
  const program = process.env.REDIS_SERVER ?? 'redis-server';
  await promisify(execFile)(program, ['--version']).catch(() => {
    throw new Error('needs redis-server: install it, or name it with REDIS_SERVER');
  });
  const [dir, port] = [await mkdtemp(join(tmpdir(), 'leaver-redis-')), await freePort()];
  // The durability that BullMQ's documentation recommends: everything is in the log within a second.
  const flags = ['--port', String(port), '--dir', dir, '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'];
  const server = spawn(program, flags, { stdio: 'ignore' });
  return {
    port,
    stop: async () => {
      server.kill();
      await new Promise((resolve) => server.once('close', resolve));
      await rm(dir, { recursive: true, force: true });
    },
  };
}
