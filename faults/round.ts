import { setTimeout as pause } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { BREAKAGES, GREAT, SMALL } from './breakages.js';
import { settled, violations } from './checker.js';
import type { Cluster } from './cluster.js';
import { Company } from './company.js';
import type { Random } from './random.js';
import { Workload } from './workload.js';

export interface Round {
  /** How many faults there were, by kind. */
  faults: Map<string, number>;
  /** What the API answered meanwhile. */
  answers: ReadonlyMap<string, number>;
  /** What should not be. */
  violations: string[];
}

interface Place {
  cluster: Cluster;
  nats: NatsConnection;
  random: Random;
}

const SETTLE = 120_000;
/** Milliseconds in which something gets done between two small faults, and between two great ones. */
const BREATHS = [200, 1_000];

/** A company at work while so many faults strike; then everything comes to rest and is checked. */
export async function round({ cluster, nats, random }: Place, wanted: number): Promise<Round> {
  const company = await Company.found(cluster.url);
  const workload = new Workload(company, random.branch());
  await workload.prepare();
  workload.start(4);
  const faults = new Map<string, number>();
  const struckBefore = cluster.strikes;
  const done = () => cluster.strikes - struckBefore + [...faults.values()].reduce((sum, count) => sum + count, 0);
  const lanes = [SMALL, GREAT].map(async (weights, lane) => {
    const deeds = random.branch();
    while (done() < wanted) {
      const kind = deeds.weighted(weights);
      const count = await BREAKAGES[kind]({ cluster, nats, random: deeds });
      faults.set(kind, (faults.get(kind) ?? 0) + count);
      await pause(BREATHS[lane]);
    }
  });
  await Promise.all(lanes);
  await cluster.whole();
  await workload.stop();
  faults.set('failpoints', cluster.strikes - struckBefore);
  const look = async () => {
    const late = await settle(cluster, company);
    const wrong = await violations(cluster.servers, company.accountId);
    return [...late, ...wrong, ...(await workload.lostOrDoubled(cluster.servers))];
  };
  // A request that was held up on its way, and long given up, may have been carried out while we looked. What is lost or
  // done twice stays so.
  const found = await look();
  return { faults, answers: workload.answers, violations: found.length > 0 ? await look() : [] };
}

/** Waits for the end of everything; what has failed for good is retried, as its owner would. */
async function settle(cluster: Cluster, company: Company): Promise<string[]> {
  const { servers } = cluster;
  const wait = () =>
    settled(servers, company.accountId, SETTLE).then(
      () => [],
      (error: Error) => [error.message],
    );
  const late = await wait();
  const failed = await servers.query<{ id: string }>(
    'identity',
    `select id from departure where account_id = $1 and status = 'failed'`,
    [company.accountId],
  );
  if (failed.length === 0) return late;
  for (const { id } of failed) await company.ask('POST', `/v1/departures/${id}/retry`);
  return wait();
}
