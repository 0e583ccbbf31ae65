import { Outbox, outboxTable, Relay } from '#libs/outbox';
import { Publisher } from '#libs/broker';
import { receiptSubject, type ReceiptBatch } from '#libs/contracts';
import { domainTypes, ormOptions } from '#libs/database';
import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import pg from 'pg';
import { compareMilliseconds, quantile, type Measure } from './support/measure.js';
import { clock, emptyStreams, ids, Participant, policyOf, silentLog } from './support/participant.js';
import { departureOf, directoryOf, personId } from './support/people.js';
import { withNats, type Copy, type Template } from './support/stage.js';
import { SCENES } from './scenes/scenes.js';
import type { NatsConnection } from '@nats-io/transport-node';

const services = SCENES.map(({ parts }) => parts.name);

/** The time from the commit of one decision until six otherwise idle services have applied it. */
export const oneDeparture: Measure = {
  number: 11,
  name: 'one-departure',
  run: async ({ stage, size, say }) => {
    const people = size(300);
    const templates = await Promise.all([
      stage.template('identity', [domainTypes, outboxTable], []),
      ...SCENES.map(({ parts, rows }) =>
        stage.template(parts.name, parts.migrations, [directoryOf(people), ...rows(people)]),
      ),
    ]);
    return withNats(stage, async (nats) => {
      await emptyStreams(nats);
      const ours = await throughEvents(templates, people, nats);
      const theirs = await throughRequests(templates.slice(1), people, nats);
      say(`p50 ${quantile(ours, 0.5).toFixed(1)} ms, by hand ${quantile(theirs, 0.5).toFixed(1)} ms`);
      return [0.5, 0.99].map((share) => {
        const what = `p${share * 100} from commit to all effects, one user`;
        const words = { what, against: 'one request and UPDATE per service', goal: { atMost: 3 } };
        return compareMilliseconds(words, quantile(ours, share), quantile(theirs, share));
      });
    });
  },
};

async function throughEvents(templates: Template[], people: number, nats: NatsConnection): Promise<number[]> {
  const copies = await Promise.all(templates.map((template) => template.copy()));
  const participants = await Promise.all(
    SCENES.map(({ parts }, index) => Participant.open(parts, copies[index + 1]!.url, nats)),
  );
  const rules = Object.assign({}, ...participants.map((one, n) => policyOf(one, 'crm', SCENES[n]!.policy)));
  const orm = await MikroORM.init(ormOptions(copies[0]!.url, []));
  const outbox = new Outbox(orm.em, clock);
  const options = { databaseUrl: copies[0]!.url, publisher: new Publisher(nats), clock, ids, log: silentLog };
  const relay = new Relay(options);
  relay.start();
  const answers = new Answers(nats);
  for (const participant of participants) participant.listen();
  const took: number[] = [];
  for (let n = 1; n <= people; n++) {
    const event = departureOf(n, 'deleted', rules);
    const done = answers.of(event.data.userId, SCENES.length);
    let committing = 0;
    await RequestContext.create(orm.em, () =>
      orm.em.transactional(async () => {
        await outbox.append([{ event, targets: services }]);
        // Starts before the commit, so that the commit's own time counts.
        committing = performance.now();
      }),
    );
    await done;
    took.push(performance.now() - committing);
    const { userId, seq } = event.data;
    const answered = services.map((service) => ({ userId, seq, service, round: 0 }));
    await RequestContext.create(orm.em, () => orm.em.transactional(() => outbox.acknowledge(answered)));
  }
  await relay.stop();
  await orm.close(true);
  for (const participant of participants) await participant.close();
  for (const copy of copies) await copy.drop();
  return took;
}

/** Counts the services that have answered for each user. */
class Answers {
  private readonly waiting = new Map<string, { left: number; resolve: () => void }>();

  constructor(nats: NatsConnection) {
    nats.subscribe(receiptSubject('*'), {
      callback: (_, message) => {
        for (const { userId } of message.json<ReceiptBatch>().receipts) this.count(userId);
      },
    });
  }

  of(userId: string, services: number): Promise<void> {
    return new Promise((resolve) => this.waiting.set(userId, { left: services, resolve }));
  }

  private count(userId: string): void {
    const entry = this.waiting.get(userId);
    if (entry && --entry.left === 0) entry.resolve();
  }
}

async function throughRequests(templates: Template[], people: number, nats: NatsConnection): Promise<number[]> {
  const copies: Copy[] = await Promise.all(templates.map((template) => template.copy()));
  const pools = copies.map(({ url }) => new pg.Pool({ connectionString: url, max: 10 }));
  const subscriptions = SCENES.map(({ parts, oneUpdate }, index) =>
    nats.subscribe(`leave.${parts.name}`, {
      callback: (_, message) => void pools[index]!.query(oneUpdate, [message.string()]).then(() => message.respond()),
    }),
  );
  const took: number[] = [];
  for (let n = 1; n <= people; n++) {
    const begun = performance.now();
    await Promise.all(services.map((name) => nats.request(`leave.${name}`, personId(n), { timeout: 10_000 })));
    took.push(performance.now() - begun);
  }
  for (const subscription of subscriptions) subscription.unsubscribe();
  for (const pool of pools) await pool.end();
  for (const copy of copies) await copy.drop();
  return took;
}
