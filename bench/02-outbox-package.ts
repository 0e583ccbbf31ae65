import { outboxTable } from '#libs/outbox';
import { domainTypes } from '#libs/database';
import { jetstream } from '@nats-io/jetstream';
import { DatabaseSetup, getDisabledLogger, initializePollingMessageListener } from 'pg-transactional-outbox';
import { compareRates, inTurn, type Measure } from './support/measure.js';
import { emptyStreams } from './support/participant.js';
import { departureOf, outboxRows } from './support/people.js';
import { withNats } from './support/stage.js';
import { ourRelay, stored } from './01-relay.js';

const TABLE = {
  outboxOrInbox: 'outbox' as const,
  database: 'unused',
  schema: 'rival',
  table: 'outbox',
  listenerRole: 'unused',
  nextMessagesName: 'next_messages',
};
/** The package's defaults are five messages every half second; these values are the fastest here. */
const TUNED = { nextMessagesBatchSize: 100, nextMessagesPollingIntervalInMs: 5 };
const CONNECTIONS = 20;

/** The same events through an outbox package from npm: polling, all in parallel, without its safety checks. */
export const outboxPackage: Measure = {
  number: 2,
  name: 'outbox-package',
  run: async (bench) => {
    const { stage, size } = bench;
    const events = Array.from({ length: size(3_000) }, (_, n) => departureOf(n + 1, 'deactivated', {}));
    const template = await stage.template(
      'identity',
      [domainTypes, outboxTable],
      [
        outboxRows(events, ['contacts']),
        DatabaseSetup.dropAndCreateTable(TABLE),
        DatabaseSetup.createPollingFunction(TABLE),
        DatabaseSetup.setupPollingIndexes(TABLE),
        {
          text: `insert into rival.outbox (id, aggregate_type, aggregate_id, message_type, concurrency, payload)
            select id, 'user', user_id, subject, 'parallel', event from json_to_recordset($1) as n (id uuid, user_id text, subject text, event json)`,
          values: outboxRows(events, []).values.slice(0, 1),
        },
      ],
    );
    const { ours, theirs } = await withNats(stage, (nats) =>
      inTurn(bench, 3, {
        ours: ourRelay(nats, template, events.length),
        theirs: {
          prepare: async () => {
            await emptyStreams(nats);
            const copy = await template.copy();
            return { copy, end: async () => undefined as void };
          },
          run: async (prepared) => {
            const client = jetstream(nats);
            const connection = { connectionString: prepared.copy.adminUrl, max: CONNECTIONS };
            const settings = {
              dbSchema: TABLE.schema,
              dbTable: TABLE.table,
              nextMessagesFunctionSchema: TABLE.schema,
              nextMessagesFunctionName: TABLE.nextMessagesName,
              enableMaxAttemptsProtection: false,
              enablePoisonousMessageProtection: false,
              ...TUNED,
            };
            const [end] = initializePollingMessageListener(
              { outboxOrInbox: 'outbox', dbListenerConfig: connection, dbHandlerConfig: connection, settings },
              {
                handle: async ({ id, messageType, payload }) =>
                  void (await client.publish(messageType, JSON.stringify(payload), { msgID: id })),
              },
              getDisabledLogger(),
              { batchSizeStrategy: async () => TUNED.nextMessagesBatchSize },
            );
            prepared.end = end;
            await stored(nats, events.length);
            return events.length;
          },
          finish: async ({ copy, end }) => {
            await end();
            await copy.drop();
          },
        },
      }),
    );
    const words = { what: 'Outbox relay', against: 'pg-transactional-outbox, tuned', goal: { atLeast: 5 } };
    return [compareRates(words, ours, theirs, 'events')];
  },
};
