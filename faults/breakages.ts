import { setTimeout as pause } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import type { FailpointName, Strike } from '#libs/jobs';
import { USERS } from '#libs/broker';
import { PROCESSES, SERVICES, type Cluster } from './cluster/cluster.js';
import { OWNED_ROWS, failStatements } from './ledger.js';
import type { Random } from './random.js';

const OTHERS = SERVICES.filter((service) => service !== 'identity');

/** The services that pass each failpoint. */
export const SERVICES_OF_FAILPOINT: Readonly<Record<FailpointName, readonly string[]>> = {
  'call.commit': SERVICES,
  'relay.publish': ['identity'],
  'session.announce': ['identity'],
  'session.feed': ['identity'],
  'receive.commit': OTHERS,
  'receive.acknowledge': SERVICES,
  'receipt.send': OTHERS,
  'receipt.fold': ['identity'],
  'chunk.commit': ['contacts', 'messaging', 'automations'],
  'departure.close': ['identity'],
  'mail.request': ['identity'],
  'mail.send': ['notifications'],
};
export const ACTIONS = ['throw', 'do-then-throw', 'kill', 'do-then-kill'] as const;
/** Transient SQLSTATEs (lost connection, shutdown, full disk) and one that counts as an error of the event. */
const CODES = ['08006', '57P01', '53100', 'XX000'];
/** Longer than the delay after which unacknowledged deliveries and unanswered events are repeated. */
const ABSENCE_MS = 5_000;

export interface Scene {
  cluster: Cluster;
  random: Random;
  /** The test's own connection, with all permissions. */
  nats: NatsConnection;
}

/** Injects one kind of fault and repairs what does not recover by itself. @returns the number of faults injected */
export type Breakage = (scene: Scene) => Promise<number>;

/** Returns 0: these faults are counted when they strike, which may be later. */
const failpoints: Breakage = async ({ cluster, random }) => {
  const names = Object.keys(SERVICES_OF_FAILPOINT) as FailpointName[];
  for (let n = 0; n < 4; n++) {
    const name = random.pick(names);
    const action = random.weighted({ throw: 8, 'do-then-throw': 8, kill: 1, 'do-then-kill': 1 });
    const strike: Strike = { failpoint: name, action, code: random.pick(CODES) };
    cluster.strike(random.pick(SERVICES_OF_FAILPOINT[name]), strike);
  }
  await pause(300);
  return 0;
};

const killed: Breakage = async ({ cluster, random }) => {
  cluster.kill(random.pick(PROCESSES));
  return 1;
};

const terminated: Breakage = async ({ cluster, random }) => {
  cluster.terminate(random.pick(PROCESSES));
  return 1;
};

const backends: Breakage = async ({ cluster, random }) => {
  await cluster.servers.terminateBackends(random.pick(SERVICES));
  return 1;
};

const postgres: Breakage = async ({ cluster }) => {
  await cluster.servers.crashPostgres();
  return 1;
};

const nats: Breakage = async ({ cluster }) => {
  await cluster.servers.crashNats();
  return 1;
};

const pausedNats: Breakage = async ({ cluster, random }) => {
  cluster.servers.pauseNats();
  await pause(300 + random.below(2_500));
  cluster.servers.resumeNats();
  return 1;
};

const lostStore: Breakage = async ({ cluster }) => {
  await cluster.servers.loseNatsStore();
  return 1;
};

const olderStore: Breakage = async ({ cluster }) => {
  await cluster.servers.copyNatsStore();
  await pause(1_500);
  await cluster.servers.rollBackNats();
  return 2;
};

const resets: Breakage = async (scene) => {
  proxyOf(scene).reset();
  return 1;
};

const stall: Breakage = async (scene) => {
  const proxy = proxyOf(scene);
  proxy.stall();
  await pause(200 + scene.random.below(2_000));
  proxy.flow();
  return 1;
};

const slowness: Breakage = async (scene) => {
  const proxy = proxyOf(scene);
  proxy.slow(20 + scene.random.below(100));
  await pause(800);
  proxy.slow(0);
  return 1;
};

/** As if a machine in between had failed: the client notices it only after a while. */
const halfOpen: Breakage = async (scene) => {
  const proxy = proxyOf(scene);
  proxy.halfOpen();
  await pause(1_500);
  proxy.reset();
  return 1;
};

/** Publishes old events again as new messages, newest first. */
const repetitions: Breakage = async ({ nats: connection, random }) => {
  const events = await latest(connection, 4 + random.below(5));
  for (const { subject, data } of events.reverse())
    connection.publish(subject, data, { headers: messageId(`again-${random.below(2 ** 31)}`) });
  return events.length;
};

const nonsense: Breakage = async ({ nats: connection, random }) => {
  const text = random.pick([
    '{',
    '{"specversion":"1.0"}',
    '\u0000',
    '[]',
    '{"type":"user.deleted","data":{"userId":"x"}}',
  ]);
  connection.publish('user.deactivated.nobody.nobody', text, {
    headers: messageId(`nonsense-${random.below(2 ** 31)}`),
  });
  return 1;
};

const poison: Breakage = async ({ cluster, random }) => {
  const { service, table } = random.pick(OWNED_ROWS);
  await failStatements(cluster.servers, { service, table, code: 'P0001' }, 400 + random.below(1_000));
  return 1;
};

const fullDisk: Breakage = async ({ cluster, random }) => {
  const table = 'inbox';
  await failStatements(
    cluster.servers,
    { service: random.pick(OTHERS), table, code: '53100' },
    300 + random.below(1_000),
  );
  return 1;
};

const longAbsence: Breakage = async ({ cluster, random }) => {
  const name = random.pick(SERVICES);
  await cluster.takeDown(name);
  await pause(ABSENCE_MS);
  await cluster.run(name);
  return 1;
};

const clocks: Breakage = async ({ cluster, random }) => {
  const name = random.pick(SERVICES);
  const limit = name === 'identity' ? 10_000 : 3_600_000;
  cluster.setClock(name, Math.round((random.fraction() * 2 - 1) * limit));
  await pause(500);
  cluster.setClock(name, 0);
  return 2;
};

export const BREAKAGES = {
  failpoints,
  killed,
  terminated,
  backends,
  postgres,
  nats,
  pausedNats,
  lostStore,
  olderStore,
  resets,
  stall,
  slowness,
  halfOpen,
  repetitions,
  nonsense,
  poison,
  fullDisk,
  longAbsence,
  clocks,
} satisfies Record<string, Breakage>;

type Weights = Readonly<Partial<Record<keyof typeof BREAKAGES, number>>>;

/** Relative frequencies of the short faults. */
export const SHORT_FAULTS: Weights = {
  failpoints: 20,
  backends: 8,
  resets: 6,
  repetitions: 5,
  nonsense: 2,
  poison: 3,
  fullDisk: 3,
  slowness: 2,
  clocks: 2,
};
/** Relative frequencies of the long faults. One at a time runs, in parallel to the short ones. */
export const LONG_FAULTS: Weights = {
  killed: 6,
  terminated: 3,
  postgres: 2,
  nats: 4,
  pausedNats: 4,
  lostStore: 2,
  olderStore: 2,
  stall: 6,
  halfOpen: 4,
  longAbsence: 2,
};

function proxyOf({ cluster, random }: Scene) {
  const { database, broker } = cluster.servers.proxies.get(random.pick(PROCESSES))!;
  return database && random.below(2) === 0 ? database : broker;
}

function messageId(id: string) {
  const all = headers();
  all.set('Nats-Msg-Id', id);
  return all;
}

/** The last messages of the stream of events; fewer if the broker is down or has lost them. */
export async function latest(connection: NatsConnection, count: number) {
  const found: { subject: string; data: Uint8Array }[] = [];
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 });
    const { state } = await manager.streams.info(USERS.name);
    for (let seq = state.last_seq; seq > state.last_seq - count && seq > 0; seq--) {
      const message = await manager.streams.getMessage(USERS.name, { seq }).catch(() => null);
      if (message) found.push({ subject: message.subject, data: message.data });
    }
  } catch {
    return found;
  }
  return found;
}
