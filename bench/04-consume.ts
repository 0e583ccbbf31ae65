import { serviceTables } from '#libs/lifecycle';
import { withClient } from '#libs/local-servers';
import { jetstream, jetstreamManager, AckPolicy } from '@nats-io/jetstream';
import { compareRates, inTurn, medianRate, type Measure } from './support/measure.js';
import { emptyStreams, Participant } from './support/participant.js';
import { departureOf, directoryOf, publish } from './support/people.js';
import { withNats } from './support/stage.js';

const PULL = 500;

/** Events of users without rows in the service: the costs are the inbox, the fence and the receipt. */
export const consume: Measure = {
  number: 4,
  name: 'consume',
  run: async (bench) => {
    const { stage, size } = bench;
    const count = size(20_000);
    const events = Array.from({ length: count }, (_, n) => departureOf(n + 1, 'deactivated', {}));
    const parts = { name: 'bare', rules: [], entities: [], migrations: serviceTables };
    const template = await stage.template('bare', serviceTables, [directoryOf(count)]);
    return withNats(stage, async (nats) => {
      const fill = async () => {
        await emptyStreams(nats);
        await publish(nats, events);
      };
      const { ours, fetched, inserted } = await inTurn(bench, 3, {
        ours: {
          prepare: async () => {
            await fill();
            const copy = await template.copy();
            return { copy, participant: await Participant.open(parts, copy.url, nats) };
          },
          run: async ({ participant }) => {
            await participant.work(count);
            return count;
          },
          finish: async ({ copy, participant }) => {
            await participant.close();
            await copy.drop();
          },
        },
        fetched: {
          prepare: async () => {
            await fill();
            const manager = await jetstreamManager(nats, { checkAPI: false });
            await manager.consumers.add('USERS', {
              durable_name: 'raw',
              ack_policy: AckPolicy.Explicit,
              max_ack_pending: 5_000,
            });
            return jetstream(nats).consumers.get('USERS', 'raw');
          },
          run: async (consumer) => {
            for (let done = 0; done < count;) {
              for await (const message of await consumer.fetch({ max_messages: Math.min(PULL, count - done) })) {
                JSON.parse(message.string());
                message.ack();
                done++;
              }
            }
            await nats.flush();
            return count;
          },
        },
        inserted: {
          prepare: () => template.copy(),
          run: async (copy) => {
            await withClient(copy.url, async (client) => {
              for (let from = 0; from < count; from += PULL) {
                const batch = events.slice(from, from + PULL);
                await client.query({ name: 'insert', text: INSERT, values: columnsOf(batch) });
              }
            });
            return count;
          },
          finish: (copy) => copy.drop(),
        },
      });
      const slower = medianRate(fetched) < medianRate(inserted) ? fetched : inserted;
      const against = slower === fetched ? 'raw fetch and ack' : 'raw insert … unnest';
      return [
        compareRates({ what: 'Events received, no rules', against, goal: { atLeast: 0.5 } }, ours, slower, 'events'),
      ];
    });
  },
};

const INSERT = `
  insert into inbox (user_id, lifecycle_version, account_id, seq, type, departure_id, active_since, was_manager, left_at, round, status, received_at)
  select u, v, a, v, t, d, 1, false, l, 0, 'completed', now()
  from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::uuid[], $6::timestamptz[]) as n (u, v, a, t, d, l)`;

const columnsOf = (events: ReturnType<typeof departureOf>[]) => [
  events.map(({ data }) => data.userId),
  events.map(({ data }) => data.lifecycleVersion),
  events.map(({ data }) => data.accountId),
  events.map(({ type }) => type),
  events.map(({ data }) => data.departure!.id),
  events.map(({ time }) => time),
];
