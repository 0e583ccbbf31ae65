import { setTimeout as pause } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { BREAKAGES, LONG_FAULTS, SHORT_FAULTS } from './breakages.js';
import { settled, violations } from './checker.js';
import type { Cluster } from './cluster/cluster.js';
import { Company } from './company/company.js';
import type { Random } from './random.js';
import { Revocations } from './company/revocations.js';
import { Workload } from './company/workload.js';

export interface Round {
  /** The number of faults by kind. */
  faults: Map<string, number>;
  /** The number of API answers, by request and status. */
  answers: ReadonlyMap<string, number>;
  /** Descriptions of broken invariants. */
  violations: string[];
}

interface Place {
  cluster: Cluster;
  nats: NatsConnection;
  random: Random;
}

const SETTLE = 120_000;
/** Milliseconds between two short faults, and between two long ones. */
const PAUSES_MS = [200, 1_000];

/** Runs a workload under `wanted` faults, waits until everything has settled, and checks the invariants. */
export async function round({ cluster, nats, random }: Place, wanted: number): Promise<Round> {
  const company = await Company.create(cluster.url);
  const workload = new Workload(company, random.branch());
  await workload.prepare();
  workload.start(4);
  const revocations = new Revocations(company);
  revocations.start();
  const faults = new Map<string, number>();
  const struckBefore = cluster.strikes;
  const done = () => cluster.strikes - struckBefore + [...faults.values()].reduce((sum, count) => sum + count, 0);
  const lanes = [SHORT_FAULTS, LONG_FAULTS].map(async (weights, lane) => {
    const own = random.branch();
    while (done() < wanted) {
      const kind = own.weighted(weights);
      const count = await BREAKAGES[kind]({ cluster, nats, random: own });
      faults.set(kind, (faults.get(kind) ?? 0) + count);
      await pause(PAUSES_MS[lane]);
    }
  });
  await Promise.all(lanes);
  await cluster.whole();
  await workload.stop();
  await revocations.stop();
  faults.set('failpoints', cluster.strikes - struckBefore);
  const check = async () => {
    const late = await settle(cluster, company);
    const wrong = await violations(cluster.servers, company.accountId);
    return [...late, ...wrong, ...(await workload.lostOrDuplicated(cluster.servers))];
  };
  // A delayed request, whose client has given up long ago, may have been handled during the check. A real violation is still
  // there in a second check.
  const found = await check();
  const remaining = found.length > 0 ? await check() : [];
  return { faults, answers: workload.answers, violations: [...revocations.violations, ...remaining] };
}

/** Waits until everything has settled, and retries failed departures once, as an owner would. */
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
