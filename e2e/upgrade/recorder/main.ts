import { jetstreamManager } from '@nats-io/jetstream';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { format } from 'prettier';
import { dumpBroker, type BrokerDump } from '../dump/jetstream.js';
import { dumpDatabase, restoreDatabase } from '../dump/postgres.js';
import { RecordingFiles, type Facts } from '../recording.js';
import { openCheckout, type Checkout } from './checkout.js';
import { live } from './weeks.js';
import { World } from './world.js';

/** When the recorded installation begins. The demo data reads the clock of the process, so that is moved, too. */
const BEGINNING = Date.parse('2026-09-01T08:00:00Z');
const lag = Date.now() - BEGINNING;
const now = Date.now.bind(Date);
Date.now = () => now() - lag;

// The test helpers of the recorded version use this global of jest.
Object.assign(globalThis, { expect: (await import('expect')).expect });

const [, , folder] = process.argv;
const checkout = await openCheckout(folder!);
const cache = join(import.meta.dirname, '../../../.cache/nats');
const stopServers = await checkout.startRunServers(cache);
const home = await mkdtemp(join(tmpdir(), 'leaver-record-'));
try {
  await record(checkout);
} finally {
  await rm(home, { recursive: true });
  await stopServers();
}
process.exit();

async function record({
  System,
  SECRETS,
  services,
  DEMO_PASSWORD,
  version,
  connectNats,
  streamsUser,
}: Checkout): Promise<void> {
  const system = await System.start();
  const facts: Partial<Facts> = { version, services, secrets: SECRETS, password: DEMO_PASSWORD };
  await live(new World(system, checkout), facts, home);
  for (const name of [...system.services.keys()].reverse()) await system.stopOne(name);
  facts.takenAt = system.clock.now().toISOString();

  const files = new RecordingFiles(version);
  await mkdir(files.path(''), { recursive: true });
  const sizes: Record<string, number> = {};
  for (const service of services)
    sizes[service] = await files.writePacked(`${service}.sql.gz`, await databaseOf(system.databaseUrl(service)));
  const nats = await connectNats({ url: system.brokerUrl(streamsUser), name: 'recorder' });
  const { streams } = await jetstreamManager(nats);
  await streams.purge('USERS', { filter: `user.*.*.${facts.unpublished!.userId}` });
  const broker: BrokerDump = await dumpBroker(nats);
  await nats.close();
  sizes.broker = await files.writePacked('broker.json.gz', JSON.stringify(broker));
  const text = await format(JSON.stringify(facts), { parser: 'json', printWidth: 120 });
  await writeFile(files.path('facts.json'), text);
  process.stdout.write(`${JSON.stringify({ ...sizes, facts: text.length }, null, 2)}\n`);
  await system.stop();
}

/** @throws Error when a copy that is restored from the dump differs from the original */
async function databaseOf(url: string): Promise<string> {
  const dump = await withClient(url, dumpDatabase);
  const copy = new URL(url);
  copy.pathname = '/proof_of_dump';
  await withClient(url, (client) => client.query('create database proof_of_dump template template0'));
  const again = await withClient(copy.href, async (client) => {
    await restoreDatabase(client, dump);
    return dumpDatabase(client);
  });
  await withClient(url, (client) => client.query('drop database proof_of_dump'));
  if (again !== dump) throw new Error('the restored database differs from the original');
  return dump;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
