import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { UserEvent } from '#libs/contracts';
import { Ids } from '#libs/database';
import { eventually, testBroker, type TestBroker } from '#libs/test-kit';
import { sql } from 'kysely';
import { closeNats, connectNats, whenConnected, Publisher, ensureStream, USERS } from '#libs/broker';
import { Relay } from '#libs/outbox';
import { RelaySession } from '../src/relay-session.js';
import {
  aDeparture,
  departures,
  moveClock,
  publishedSubjects,
  relayBackends,
  silent,
  subjectOf,
  terminateActiveRelay,
  testOutbox,
  type TestOutbox,
} from './test-outbox.js';

const PAST_FIRST_DELAY = 18_001;
const PAST_SECOND_DELAY = 72_001;

let test: TestOutbox;
let broker: TestBroker;
let nats: NatsConnection;
let manager: JetStreamManager;
const relays: Relay[] = [];

beforeAll(async () => {
  [test, broker] = await Promise.all([testOutbox(), testBroker()]);
  nats = await connectNats({ url: broker.url, name: 'tests' });
  manager = await jetstreamManager(nats);
});
beforeEach(() => ensureStream(manager, USERS));
afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  await query(`delete from outbox`);
  await manager.streams.delete(USERS.name).catch(() => undefined);
});
afterAll(async () => {
  await closeNats(nats);
  await broker.stop();
  await test.close();
});

const query = async <T>(text: string): Promise<T[]> => (await sql.raw<T>(text).execute(test.em.getKysely())).rows;
const append = (events: UserEvent[], targets = ['contacts']) =>
  test.em.transactional(() => test.outbox.append(events.map((event) => ({ event, targets }))));
const acknowledge = ({ data: { userId, seq } }: UserEvent) =>
  test.outbox.acknowledge([{ userId, seq, service: 'contacts', round: 0 }]);

function startRelay(): Relay {
  const relay = new Relay({
    databaseUrl: test.database.url,
    publisher: new Publisher(nats),
    clock: test.clock,
    ids: new Ids(test.clock),
    log: silent,
  });
  relay.start();
  relays.push(relay);
  return relay;
}

async function startActiveRelay(): Promise<Relay> {
  const relay = startRelay();
  await eventually(() => relay.active);
  return relay;
}

const publications = async (event: UserEvent) => (await publishedSubjects(manager))[subjectOf(event)] ?? 0;
const untilPublished = (event: UserEvent, times = 1) =>
  eventually(async () => expect(await publications(event)).toBe(times));

describe('a committed event', () => {
  it('is published unchanged under its own id', async () => {
    startRelay();
    const event = aDeparture({ round: 3 });
    await append([event]);
    await untilPublished(event);
    const message = await manager.streams.getMessage(USERS.name, { last_by_subj: subjectOf(event) });
    expect(message?.json()).toEqual(event);
    expect(message?.header.get('Nats-Msg-Id')).toBe(`${event.id}.3.1`);
  });

  it.each([
    ['in a transaction', append],
    ['in a nested transaction', (events: UserEvent[]) => test.em.transactional(() => append(events))],
    ['by itself', ([event]: UserEvent[]) => test.outbox.append([{ event: event!, targets: ['contacts'] }])],
  ])('written %s does not wait for the relay’s next poll', async (_, write) => {
    await startActiveRelay();
    const begun = performance.now();
    for (const event of departures(5)) {
      await write([event]);
      await untilPublished(event);
    }
    // Polls are one second apart.
    expect(performance.now() - begun).toBeLessThan(2_500);
  });

  it('is published even if no notification woke the relay', async () => {
    await startActiveRelay();
    const event = aDeparture();
    await query(`insert into outbox (id, account_id, user_id, seq, round, subject, event, waiting, created_at)
      values ('${event.id}', '${event.data.accountId}', '${event.data.userId}', 1, 0, '${subjectOf(event)}', '{}', '{contacts}', now())`);
    await untilPublished(event);
  });

  it('that waits for an answer is published again in its time although the clock was ahead before', async () => {
    test.clock.advance(7_200_000);
    const relay = await startActiveRelay();
    const event = aDeparture();
    await append([event]);
    await untilPublished(event);
    moveClock(test, relay, -7_200_000);
    await untilPublished(event, 2);
  });

  it('is published when the broker is back', async () => {
    await startActiveRelay();
    await broker.kill();
    const event = aDeparture();
    await append([event]);
    await eventually(async () => expect(await query(`select from outbox where attempts > 0`)).toHaveLength(1));
    await broker.restart();
    await whenConnected(nats, 10_000);
    await untilPublished(event);
  });

  it('is published when the broker returns without data and without the stream', async () => {
    await startActiveRelay();
    await broker.kill();
    const events = departures(20);
    await append(events);
    await broker.restartEmpty();
    await whenConnected(nats, 10_000);
    await eventually(async () => expect(Object.keys(await publishedSubjects(manager))).toHaveLength(20));
  });

  it('is published to a recreated stream after the stream was deleted', async () => {
    await startActiveRelay();
    await manager.streams.delete(USERS.name);
    const event = aDeparture();
    await append([event]);
    await untilPublished(event);
  });

  it('that the broker refuses is retried and does not hold up others', async () => {
    await startActiveRelay();
    const [refused, other] = [aDeparture(), aDeparture()];
    await append([refused]);
    await untilPublished(refused);
    await query(`update outbox set subject = 'of.no.stream', due_at = '-infinity', attempts = 0`);
    await append([other]);
    await untilPublished(other);
    await eventually(async () => {
      const [row] = await query<{ attempts: number; soon: boolean }>(
        `select attempts, due_at < '${test.clock.now().toISOString()}'::timestamptz + interval '2 s' and due_at > '-infinity' as soon
         from outbox where subject = 'of.no.stream'`,
      );
      expect(row).toEqual({ attempts: 0, soon: true });
    });
  });
});

it('an event that was rolled back is never published', async () => {
  startRelay();
  const [rolledBack, barrier] = [aDeparture(), aDeparture()];
  const work = test.em.transactional(async () => {
    await test.outbox.append([{ event: rolledBack, targets: ['contacts'] }]);
    throw new Error('refused after all');
  });
  await expect(work).rejects.toThrow('refused after all');
  await append([barrier]);
  await untilPublished(barrier);
  expect(await publications(rolledBack)).toBe(0);
});

describe('republishing', () => {
  it('continues with new message ids and growing delays until an acknowledgement', async () => {
    const relay = startRelay();
    const event = aDeparture();
    await append([event]);
    await untilPublished(event);
    moveClock(test, relay, PAST_FIRST_DELAY);
    await untilPublished(event, 2);
    moveClock(test, relay, PAST_FIRST_DELAY);
    const barrier = aDeparture();
    await append([barrier]);
    await untilPublished(barrier);
    expect(await publications(event)).toBe(2);
    moveClock(test, relay, PAST_SECOND_DELAY);
    await untilPublished(event, 3);
    const last = await manager.streams.getMessage(USERS.name, { last_by_subj: subjectOf(event) });
    expect(last?.header.get('Nats-Msg-Id')).toBe(`${event.id}.0.3`);
  });

  it('ends when all services have acknowledged', async () => {
    const relay = startRelay();
    const [settled, open] = [aDeparture(), aDeparture()];
    await append([settled, open]);
    await untilPublished(open);
    await acknowledge(settled);
    moveClock(test, relay, PAST_FIRST_DELAY);
    await untilPublished(open, 2);
    expect(await publications(settled)).toBe(1);
  });

  it('happens when a relay died between claiming an event and publishing it', async () => {
    const event = aDeparture();
    await append([event]);
    const dying = await RelaySession.open(test.database.url, () => undefined);
    expect(await dying.claim(test.clock.now(), [15_000], 10)).toMatchObject([{ id: event.id, attempts: 1 }]);
    await dying.close();
    const relay = startRelay();
    const barrier = aDeparture();
    await append([barrier]);
    await untilPublished(barrier);
    expect(await publications(event)).toBe(0);
    moveClock(test, relay, 15_001);
    await untilPublished(event);
  });

  it('happens immediately on a retry, even if the same event was just published', async () => {
    startRelay();
    const event = aDeparture();
    await append([event]);
    await untilPublished(event);
    await acknowledge(event);
    const retried = aDeparture({ userId: event.data.userId, round: 1 });
    await test.outbox.republish([{ event: { ...retried, id: event.id }, targets: ['contacts'] }]);
    await untilPublished(retried);
  });

  it('does not happen for an event without targets: it is published once and removed', async () => {
    startRelay();
    const event = aDeparture();
    await append([event], []);
    await untilPublished(event);
    await eventually(async () => expect((await test.outbox.backlog()).waiting).toBe(0));
  });
});

describe('with two relays', () => {
  it('exactly one is active, and the other takes over within two seconds when its connection is terminated', async () => {
    const first = await startActiveRelay();
    const second = startRelay();
    await eventually(async () => expect(await relayBackends(test)).toHaveLength(2));
    expect(second.active).toBe(false);
    await terminateActiveRelay(test);
    await eventually(() => second.active, { timeout: 2_000 });
    const event = aDeparture();
    await append([event]);
    await untilPublished(event);
    await eventually(async () => expect(await relayBackends(test)).toHaveLength(2));
    expect(first.active).toBe(false);
  });

  it('the other takes over immediately when the active one is stopped', async () => {
    const first = await startActiveRelay();
    const second = startRelay();
    await first.stop();
    await eventually(() => second.active, { timeout: 2_000 });
    expect(first.active).toBe(false);
  });
});

it('a relay that lost its connection reconnects and continues', async () => {
  const relay = await startActiveRelay();
  await terminateActiveRelay(test);
  await eventually(() => !relay.active);
  const event = aDeparture();
  await append([event]);
  await untilPublished(event);
  expect(relay.active).toBe(true);
});

describe('thousands of events', () => {
  it('arrive completely, each once', async () => {
    await append(departures(5_000));
    startRelay();
    await eventually(async () => expect(Object.keys(await publishedSubjects(manager))).toHaveLength(5_000));
    expect(new Set(Object.values(await publishedSubjects(manager)))).toEqual(new Set([1]));
  });

  it('are continued by the next relay without delay when one is stopped midway', async () => {
    await append(departures(5_000));
    const first = startRelay();
    await eventually(async () => (await manager.streams.info(USERS.name)).state.messages > 0, { interval: 1 });
    await first.stop();
    expect((await manager.streams.info(USERS.name)).state.messages).toBeLessThan(5_000);
    startRelay();
    await eventually(async () => expect(Object.keys(await publishedSubjects(manager))).toHaveLength(5_000));
    expect(new Set(Object.values(await publishedSubjects(manager)))).toEqual(new Set([1]));
  });
});
