import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectNats } from '#libs/broker';
import { type FailpointName } from '#libs/jobs';
import type { NatsConnection } from '@nats-io/transport-node';
import { Cluster } from './cluster/cluster.js';
import { installLedger } from './ledger.js';
import { SERVICES_OF_FAILPOINT } from './breakages.js';
import { strikeEachWay } from './each-failpoint.js';
import { MAIL_FAILPOINTS, mailEachWay } from './each-mail.js';
import { followsTheModel } from './model.js';
import { Random } from './random.js';
import { Report } from './report.js';
import { round } from './round.js';
import { SAFEGUARDS } from './safeguards.js';

/** The number of faults and the seed. With `FAULTS_RUNS` it is a long run, which also tests safeguards and failpoints. */
const { FAULTS_RUNS, FAULTS_SEED = '1' } = process.env;
const LONG = FAULTS_RUNS !== undefined;
const WANTED = Number(FAULTS_RUNS ?? 25);
const SEED = Number(FAULTS_SEED);
const PER_ROUND = 200;

/** Those of mails have a test of their own. */
const DEPARTURE_FAILPOINTS = (Object.keys(SERVICES_OF_FAILPOINT) as FailpointName[]).filter(
  (name) => !name.startsWith('mail.'),
);

describe(`with seed ${SEED}`, () => {
  let cluster: Cluster;
  let nats: NatsConnection;
  const report = new Report();
  beforeAll(async () => {
    cluster = await Cluster.start();
    await installLedger(cluster.servers);
    nats = await connectNats({ url: cluster.servers.brokerUrl, name: 'tester' });
  }, 180_000);
  afterAll(async () => {
    if (cluster && LONG) report.print(cluster);
    await nats?.close();
    await cluster?.stop();
  }, 60_000);

  const mutants = LONG ? it.each(SAFEGUARDS) : it.skip.each(SAFEGUARDS);
  mutants(
    'the suite fails without $name',
    async ({ service, missing, scene }) => {
      const stage = { cluster, nats };
      expect(await scene(stage)).toEqual([]);
      const wrong = await cluster
        .without(service, missing)
        .then(() => scene(stage))
        .finally(() => cluster.without(service, []));
      report.without(missing[0]!.file, wrong);
      expect(wrong).not.toEqual([]);
    },
    180_000,
  );

  const each = (LONG ? it : it.skip).each(DEPARTURE_FAILPOINTS);
  each(
    'a departure completes when %s strikes with each action',
    async (failpoint) => {
      expect(await strikeEachWay(cluster, failpoint)).toEqual([]);
    },
    180_000,
  );

  const mails = (LONG ? it : it.skip).each([...MAIL_FAILPOINTS]);
  mails(
    'no mail is lost when %s strikes with each action',
    async (failpoint) => {
      expect(await mailEachWay(cluster, failpoint)).toEqual([]);
    },
    180_000,
  );

  it('users end in the state that a model of the decisions predicts', async () => {
    await followsTheModel(cluster, { seed: SEED, runs: LONG ? 25 : 3 });
  }, 300_000);

  it(
    `all invariants hold while ${WANTED} faults strike`,
    async () => {
      const random = new Random(SEED);
      while (report.faults < WANTED) {
        const outcome = await round({ cluster, nats, random }, Math.min(PER_ROUND, WANTED - report.faults));
        report.add(outcome);
        if (LONG) process.stderr.write(`${report.faults} faults\n`);
        expect(outcome.violations).toEqual([]);
      }
    },
    Math.max(180_000, WANTED * 3_000),
  );
});
