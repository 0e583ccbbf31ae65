import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  departuresRetry,
  receiptSubject,
  type Departure,
  type Principal,
  type Receipt,
  type ReceiptLine,
  type UserEvent,
} from '#libs/contracts';
import type { Delivery } from '#libs/broker';
import { eventually } from '#libs/test-kit';
import { OutboxRelay } from '#libs/outbox';
import { affectedBy, TestDepartures } from '../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../testing/identity.js';
import { CompletionWorker } from './track/completion.worker.js';
import { DepartureCommands } from './decide/departure-commands.js';
import { ReceiptFolding } from './track/receipt-folding.js';
import { ReceiptsConsumer } from './track/receipts.consumer.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  leaver = await identity.aPerson(owner);
  await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
});
afterAll(() => departures.stop());

const deactivate = () => departures.deactivate(owner, leaver.userId);
const eventOf = async ({ id }: Departure): Promise<UserEvent> => {
  const [row] = await identity.query(sql<{ event: UserEvent }>`
    select event from outbox where event::jsonb -> 'data' -> 'departure' ->> 'id' = ${id}`);
  return row!.event;
};
const waitingFor = async ({ id }: Departure) =>
  (
    await identity.query(sql<{ waiting: string[] }>`
      select waiting from outbox where event::jsonb -> 'data' -> 'departure' ->> 'id' = ${id}`)
  )[0]?.waiting;
/** Moves the clock past the first repeated publication of an unanswered event. */
const later = () => {
  identity.clock.advance(20_000);
  identity.get(OutboxRelay).wake();
};

describe('while a service is down', () => {
  beforeEach(() => departures.peer.pause());

  it('the departure waits, and continues when the service is back', async () => {
    const started = await deactivate();
    await identity.get(CompletionWorker).drain();
    expect(await departures.get(owner, started.id)).toMatchObject({
      status: 'running',
      progress: { done: 1, total: 2 },
    });
    expect(await waitingFor(started)).toEqual(['telephony']);
    await departures.peer.start();
    const departure = await departures.until(owner, started, 'completed');
    expect(affectedBy(departure)).toMatchObject({ 'telephony.calls deactivated': 2 });
    expect(await waitingFor(started)).toBeUndefined();
  });

  it('a departure with all receipts still needs the proof', async () => {
    const started = await deactivate();
    const { data } = await eventOf(started);
    await fold(receiptOn(data, 'completed', [line('telephony.calls', 2)]));
    await identity.get(CompletionWorker).drain();
    expect(await departures.get(owner, started.id)).toMatchObject({
      status: 'running',
      progress: { done: 2, total: 2 },
    });
    await departures.peer.start();
    // The next attempt is due some seconds later.
    identity.clock.advance(5_000);
    await departures.until(owner, started, 'completed');
  });

  it('a reactivation supersedes the departure, whose remaining rules never run', async () => {
    const started = await deactivate();
    const back = await departures.reactivate(owner, leaver.userId);
    expect(await departures.get(owner, started.id)).toMatchObject({
      status: 'superseded',
      completedAt: null,
      services: [
        { service: 'identity', status: 'completed' },
        { service: 'telephony', status: 'superseded' },
      ],
    });
    await departures.peer.start();
    await departures.until(owner, back, 'completed');
    later();
    await eventually(async () => expect(await waitingFor(started)).toBeUndefined());
    expect(await departures.peer.owned(leaver.userId, 'call')).toBe(2);
    expect((await departures.get(owner, started.id)).status).toBe('superseded');
  });
});

describe('a broker that loses all data', () => {
  it('delays events, which are published again', async () => {
    await departures.peer.pause();
    const started = await deactivate();
    await identity.broker.restartEmpty();
    await departures.peer.start();
    later();
    const departure = await departures.until(owner, started, 'completed');
    expect(affectedBy(departure)).toMatchObject({ 'telephony.calls deactivated': 2 });
  });

  it('loses no receipt, because a repeated event is answered with the same one', async () => {
    await identity.broker.kill();
    const commands = identity.get(DepartureCommands);
    const leaving = [owner, leaver.userId, 'deactivated', {}] as const;
    const prepared = await identity.preparation(() => commands.prepare(...leaving));
    const started = (await identity.transaction(() => commands.decide(...leaving, prepared))) as Departure;
    // The event is applied, but the receipt is not sent.
    await departures.peer.processor.apply([await eventOf(started)]);
    await identity.broker.restartEmpty();
    await eventually(async () => expect(await outcomeOf(departures.get(owner, started.id))).toBe('ok'));
    later();
    const departure = await departures.until(owner, started, 'completed');
    expect(affectedBy(departure)).toMatchObject({ 'telephony.calls deactivated': 2 });
  });
});

describe('receipts', () => {
  let started: Departure;
  let data: UserEvent['data'];
  beforeEach(async () => {
    await departures.peer.pause();
    started = await deactivate();
    ({ data } = await eventOf(started));
  });
  afterEach(() => departures.peer.start());

  const telephony = async () => (await departures.get(owner, started.id)).services[1]!;
  const events = () => identity.query(sql`select type, data from departure_event where departure_id = ${started.id}`);
  const unfinished = () => ({ ...line('telephony.calls', 1), finishedAt: null });
  const running = () => receiptOn(data, 'running', [line('telephony.records', 0), unfinished()]);
  const completed = () => receiptOn(data, 'completed', [line('telephony.records', 0), line('telephony.calls', 2)]);

  it('that are repeated count once', async () => {
    await fold(completed());
    const [once, told] = [await telephony(), await events()];
    await fold(completed());
    await fold(completed(), completed());
    expect(await telephony()).toEqual(once);
    expect(await events()).toEqual(told);
  });

  it('that arrive out of order change nothing', async () => {
    await fold(completed());
    await fold(running());
    expect(await telephony()).toMatchObject({ status: 'completed', rules: [{ affected: 0 }, { affected: 2 }] });
  });

  it('of one batch are folded to the newest, in any order', async () => {
    await fold(completed(), running());
    expect((await telephony()).status).toBe('completed');
  });

  it('update the progress', async () => {
    await fold(running());
    expect(await telephony()).toMatchObject({ status: 'running', rules: [{ affected: 0 }, { affected: 1 }] });
    expect(await events()).toContainEqual({
      type: 'rule',
      data: expect.objectContaining({ rule: 'telephony.records', service: 'telephony' }),
    });
  });

  it('of a failed service end the repeated publication, and the departure is failed', async () => {
    await fold({ ...receiptOn(data, 'failed', []), error: '23514' });
    expect(await departures.get(owner, started.id)).toMatchObject({
      status: 'failed',
      services: [{ status: 'completed' }, { status: 'failed', error: '23514' }],
    });
    expect(await waitingFor(started)).toBeUndefined();
  });

  it('of an earlier round change nothing after a retry', async () => {
    const failed = { ...receiptOn(data, 'failed', []), error: '23514' };
    await fold(failed);
    await identity.call(departuresRetry, { principal: owner, params: { id: started.id } });
    await fold(failed);
    expect(await departures.get(owner, started.id)).toMatchObject({
      status: 'running',
      services: [{ status: 'completed' }, { status: 'pending' }],
    });
    expect(await waitingFor(started)).toEqual(['telephony']);
  });

  it('of one service that cannot be folded are redelivered and do not affect those of others', async () => {
    const unwritable = { ...completed(), rules: [{ ...line('insights.reports', 1), part: '\u0000' }] };
    const message = (service: string, receipt: Receipt): Delivery => ({
      subject: receiptSubject(service),
      data: new TextEncoder().encode(JSON.stringify({ service, receipts: [receipt] })),
      deliveries: 1,
      streamSequence: 1,
    });
    await identity.query(sql`
      insert into departure_service (departure_id, service, status, updated_at) values (${started.id}, 'insights', 'pending', now())`);
    const outcomes = await identity
      .get(ReceiptsConsumer)
      .handle([message('insights', unwritable), message('telephony', completed()), message('insights', running())]);
    expect(outcomes).toEqual([{ nakAfterMs: expect.any(Number) }, 'ack', { nakAfterMs: expect.any(Number) }]);
    const { services } = await departures.get(owner, started.id);
    expect(services.map(({ service, status }) => [service, status])).toEqual([
      ['identity', 'completed'],
      ['insights', 'pending'],
      ['telephony', 'completed'],
    ]);
  });

  it('about another user’s departure, by a service that is not part of it, or without a departure are ignored', async () => {
    // How often the event has been published is not part of the departure's state.
    const state = async () => {
      const { services, ...departure } = await departures.get(owner, started.id);
      return { ...departure, services: services.map(({ awaited: _awaited, ...service }) => service) };
    };
    const before = await state();
    await fold({ ...completed(), userId: owner.userId });
    await fold({ ...completed(), departureId: owner.userId });
    await identity.transaction(() => identity.get(ReceiptFolding).fold('insights', [completed()]));
    expect(await state()).toEqual(before);
  });
});

const fold = (...receipts: Receipt[]) =>
  identity.transaction(() => identity.get(ReceiptFolding).fold('telephony', receipts));

const line = (rule: string, affected: number): ReceiptLine => ({
  rule,
  transition: 'deactivated',
  action: 'keep',
  affected,
  remaining: null,
  finishedAt: '2026-01-01T00:00:00.000Z',
});

function receiptOn(data: UserEvent['data'], status: Receipt['status'], rules: ReceiptLine[]): Receipt {
  const { accountId, userId, seq, lifecycleVersion, departure } = data;
  const { id: departureId, round } = departure!;
  return { accountId, userId, type: 'user.deactivated', seq, lifecycleVersion, departureId, round, status, rules };
}
