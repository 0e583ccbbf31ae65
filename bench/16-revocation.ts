import { SessionEpochs, SessionWatch } from '#libs/auth';
import { startService } from '#libs/platform';
import { eventually, serviceKeys } from '#libs/test-kit';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { gateway } from '../services/gateway/src/gateway.js';
import { AfterCommit } from '#libs/database';
import { Sessions } from '../services/identity/src/session/sessions.js';
import { compareMilliseconds, quantile, type Measure } from './support/measure.js';
import { Identity } from './support/identity.js';
import { personId } from './support/people.js';
import { withNats, type Stage } from './support/stage.js';

/** The time from identity's commit until the gateway refuses the user's tokens. */
export const revocation: Measure = {
  number: 16,
  name: 'revocation',
  run: async ({ stage, size }) => {
    const people = size(1_000);
    const ours = await throughGateway(stage, people);
    const theirs = await throughBucket(stage, people);
    const [a, b] = [quantile(ours, 0.99), quantile(theirs, 0.99)];
    const what = 'p99 from commit to refused token';
    return [
      compareMilliseconds({ what, against: 'a raw KV put and watch', goal: { atMost: 2 } }, a, b),
      compareMilliseconds({ what, against: '50 ms', goal: { atMost: 1 } }, a, 50),
      compareMilliseconds(
        { what: 'p50 of the same', against: 'a raw KV put and watch' },
        quantile(ours, 0.5),
        quantile(theirs, 0.5),
      ),
    ];
  },
};

async function throughGateway(stage: Stage, people: number): Promise<number[]> {
  const identity = await Identity.start(stage, people);
  const env = { NATS_URL: stage.natsUrl, LOG_LEVEL: 'silent', PORT: '0', HOST: '127.0.0.1', ...serviceKeys('gateway') };
  const service = await startService({ ...gateway, env });
  await eventually(() => service.app.get(SessionWatch, { strict: false }).fresh);
  const epochs = service.app.get(SessionEpochs, { strict: false });
  const sessions = identity.get(Sessions);
  const took: number[] = [];
  for (let n = 1; n <= people; n++) {
    const user = personId(n);
    const refused = new Promise<number>((resolve) => epochs.onEnd(user, undefined, () => resolve(performance.now())));
    let committed = 0;
    await identity.transaction(async () => {
      // This is the first thing that identity does after the commit.
      identity.get(AfterCommit).run(async () => void (committed = performance.now()));
      await sessions.renewClaims([user]);
    });
    took.push((await refused) - committed);
  }
  await service.close();
  await identity.service.close();
  return took;
}

async function throughBucket(stage: Stage, times: number): Promise<number[]> {
  return withNats(stage, async (nats) => {
    const bucket = await new Kvm(jetstream(nats)).create('raw');
    const watch = await bucket.watch();
    const arrived = new Map<string, () => void>();
    void (async () => {
      for await (const { key } of watch) arrived.get(key)?.();
    })();
    const took: number[] = [];
    for (let n = 1; n <= times; n++) {
      const key = personId(n);
      const begun = performance.now();
      const seen = new Promise<void>((resolve) => arrived.set(key, resolve));
      await bucket.put(key, '1');
      await seen;
      took.push(performance.now() - begun);
    }
    watch.stop();
    return took;
  });
}
