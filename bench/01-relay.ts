import { outboxTable, Relay } from '#libs/outbox';
import { Publisher, USERS } from '#libs/broker';
import { domainTypes } from '#libs/database';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { setTimeout as pause } from 'node:timers/promises';
import { compareRates, inTurn, type Measure, type Side } from './support/measure.js';
import { clock, emptyStreams, ids, silentLog } from './support/participant.js';
import { departureOf, messageOf, outboxRows } from './support/people.js';
import { withNats, type Copy, type Template } from './support/stage.js';

const WINDOW = 1_000;

/** Publishes events from an outbox with six services, until the broker has stored all of them. */
export const relay: Measure = {
  number: 1,
  name: 'relay',
  run: async (bench) => {
    const { stage, size } = bench;
    const events = Array.from({ length: size(30_000) }, (_, n) => departureOf(n + 1, 'deactivated', {}));
    const rows = outboxRows(events, ['contacts', 'messaging', 'telephony', 'automations', 'integrations', 'insights']);
    const template = await stage.template('identity', [domainTypes, outboxTable], [rows]);
    const messages = events.map(messageOf);
    const { ours, theirs } = await withNats(stage, (nats) =>
      inTurn(bench, 5, {
        ours: ourRelay(nats, template, events.length),
        theirs: {
          prepare: () => emptyStreams(nats),
          run: async () => {
            const client = jetstream(nats);
            for (let from = 0; from < messages.length; from += WINDOW) {
              const batch = messages.slice(from, from + WINDOW);
              await Promise.all(batch.map(({ subject, data, id }) => client.publish(subject, data, { msgID: id })));
            }
            return messages.length;
          },
        },
      }),
    );
    const words = { what: 'Outbox relay', against: 'nats.js, pipelined', goal: { atLeast: 0.6 } };
    return [compareRates(words, ours, theirs, 'events')];
  },
};

/** Our relay on a copy of the template with this number of events in its outbox, until the broker has stored all of them. */
export function ourRelay(nats: NatsConnection, template: Template, events: number): Side<{ copy: Copy; relay: Relay }> {
  return {
    prepare: async () => {
      await emptyStreams(nats);
      const copy = await template.copy();
      return {
        copy,
        relay: new Relay({ databaseUrl: copy.url, publisher: new Publisher(nats), clock, ids, log: silentLog }),
      };
    },
    run: async ({ relay }) => {
      relay.start();
      await stored(nats, events);
      return events;
    },
    finish: async ({ copy, relay }) => {
      await relay.stop();
      await copy.drop();
    },
  };
}

/** Resolves when the stream holds this number of events. */
export async function stored(nats: NatsConnection, wanted: number): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false });
  while ((await manager.streams.info(USERS.name)).state.messages < wanted) await pause(5);
}
