import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { UserEvent } from '#libs/contracts';
import { sql } from 'kysely';
import type { Acknowledgement } from '#libs/outbox';
import { aDeparture, departures, testOutbox, type TestOutbox } from './test-outbox.js';

let test: TestOutbox;

beforeAll(async () => {
  test = await testOutbox();
});
afterEach(() => query(`delete from outbox`));
afterAll(() => test.close());

interface Row {
  id: string;
  round: number;
  event: UserEvent;
  waiting: string[];
  attempts: number;
  due: string;
}

const query = async <T>(text: string): Promise<T[]> => (await sql.raw<T>(text).execute(test.em.getKysely())).rows;
const rowOf = async (event: UserEvent): Promise<Row | undefined> =>
  (await query<Row>(`select *, due_at::text as due from outbox where user_id = '${event.data.userId}'`))[0];
const answer = ({ data }: UserEvent, service: string, round = data.departure!.round): Acknowledgement => ({
  userId: data.userId,
  seq: data.seq,
  service,
  round,
});
const nameOf = ({ data }: UserEvent) => ({ userId: data.userId, seq: data.seq });

describe('appending', () => {
  it('is part of the transaction: a rollback discards the events', async () => {
    const work = test.em.transactional(async () => {
      await test.outbox.append([{ event: aDeparture(), targets: ['contacts'] }]);
      throw new Error('refused after all');
    });
    await expect(work).rejects.toThrow('refused after all');
    expect(await test.outbox.backlog()).toEqual({ waiting: 0, oldestSeconds: 0 });
  });

  it('stores each event unchanged, due immediately', async () => {
    const [one, other] = [aDeparture(), aDeparture({ round: 2 })];
    await test.outbox.append([one, other].map((event) => ({ event, targets: ['contacts', 'insights'] })));
    expect(await rowOf(one)).toMatchObject({
      id: one.id,
      event: one,
      waiting: ['contacts', 'insights'],
      round: 0,
      due: '-infinity',
    });
    expect(await rowOf(other)).toMatchObject({ event: other, round: 2, attempts: 0 });
  });

  it('of a second event with the same user and seq is refused', async () => {
    const event = aDeparture();
    await test.outbox.append([{ event, targets: [] }]);
    const second = test.outbox.append([{ event: aDeparture({ userId: event.data.userId }), targets: [] }]);
    await expect(second).rejects.toMatchObject({ code: '23505' });
  });

  it('of no events does nothing', async () => {
    await test.outbox.append([]);
    expect((await test.outbox.backlog()).waiting).toBe(0);
  });
});

describe('acknowledging', () => {
  it("removes an event with the last service's acknowledgement and returns it then", async () => {
    const event = aDeparture();
    await test.outbox.append([{ event, targets: ['contacts', 'messaging', 'insights'] }]);
    expect(await test.outbox.acknowledge([answer(event, 'contacts')])).toEqual([]);
    expect((await rowOf(event))?.waiting.sort()).toEqual(['insights', 'messaging']);
    expect(await test.outbox.acknowledge([answer(event, 'insights'), answer(event, 'messaging')])).toEqual([
      nameOf(event),
    ]);
    expect(await rowOf(event)).toBeUndefined();
  });

  it('handles many acknowledgements about many users and leaves other events alone', async () => {
    const events = departures(50);
    await test.outbox.append(events.map((event) => ({ event, targets: ['contacts', 'insights'] })));
    const answers = events.flatMap((event) => [answer(event, 'contacts'), answer(event, 'insights')]);
    const removed = await test.outbox.acknowledge(answers.slice(0, 51));
    expect(removed.map(({ userId }) => userId).sort()).toEqual(events.slice(0, 25).map(({ data }) => data.userId));
    expect((await rowOf(events[25]!))?.waiting).toEqual(['insights']);
    expect((await rowOf(events[26]!))?.waiting).toEqual(['contacts', 'insights']);
    expect((await test.outbox.backlog()).waiting).toBe(25);
  });

  it('counts an acknowledgement once, however often it arrives', async () => {
    const event = aDeparture();
    await test.outbox.append([{ event, targets: ['contacts', 'insights'] }]);
    for (let time = 0; time < 3; time++)
      expect(await test.outbox.acknowledge([answer(event, 'contacts'), answer(event, 'contacts')])).toEqual([]);
    expect(await test.outbox.acknowledge([answer(event, 'insights')])).toEqual([nameOf(event)]);
    expect(await test.outbox.acknowledge([answer(event, 'insights')])).toEqual([]);
  });

  it('ignores acknowledgements with another seq, from another service, or for an unknown event', async () => {
    const event = aDeparture();
    await test.outbox.append([{ event, targets: ['contacts'] }]);
    const others = [
      { ...answer(event, 'contacts'), seq: 2 },
      answer(event, 'telephony'),
      answer(aDeparture(), 'contacts'),
    ];
    expect(await test.outbox.acknowledge(others)).toEqual([]);
    expect((await rowOf(event))?.waiting).toEqual(['contacts']);
  });

  it('ignores an acknowledgement of an earlier round', async () => {
    const event = aDeparture({ round: 2 });
    await test.outbox.append([{ event, targets: ['contacts'] }]);
    expect(await test.outbox.acknowledge([answer(event, 'contacts', 1)])).toEqual([]);
    expect(await test.outbox.acknowledge([answer(event, 'contacts', 3)])).toEqual([nameOf(event)]);
  });

  it('leaves an event alone that has no targets and is not published yet', async () => {
    const event = aDeparture();
    await test.outbox.append([{ event, targets: [] }]);
    expect(await test.outbox.acknowledge([answer(event, 'contacts')])).toEqual([]);
    expect(await rowOf(event)).toBeDefined();
  });

  it('loses no acknowledgement when all services acknowledge the same events concurrently', async () => {
    const services = ['contacts', 'messaging', 'telephony', 'automations', 'integrations', 'insights'];
    const events = departures(200);
    await test.outbox.append(events.map((event) => ({ event, targets: services })));
    const removed = await Promise.all(
      services.map((service, index) => {
        const ordered = index % 2 ? events : [...events].reverse();
        return test.em
          .fork()
          .transactional(() => test.outbox.acknowledge(ordered.map((event) => answer(event, service))));
      }),
    );
    expect(removed.flat()).toHaveLength(200);
    expect((await test.outbox.backlog()).waiting).toBe(0);
  });
});

describe('republishing', () => {
  it('replaces a waiting event with the new round and its targets, due immediately', async () => {
    const event = aDeparture();
    await test.outbox.append([{ event, targets: ['contacts', 'insights'] }]);
    await query(`update outbox set attempts = 7, due_at = '2100-01-01'`);
    const retried: UserEvent = { ...event, data: { ...event.data, departure: { ...event.data.departure!, round: 1 } } };
    await test.outbox.republish([{ event: retried, targets: ['insights'] }]);
    const row = { id: event.id, round: 1, event: retried, waiting: ['insights'], attempts: 0, due: '-infinity' };
    expect(await rowOf(event)).toMatchObject(row);
    expect(await test.outbox.acknowledge([answer(event, 'insights', 0)])).toEqual([]);
    expect(await test.outbox.acknowledge([answer(retried, 'insights')])).toEqual([nameOf(event)]);
  });

  it('works when all services have acknowledged and the event is gone', async () => {
    const event = aDeparture({ round: 1 });
    await test.outbox.republish([{ event, targets: ['telephony'] }]);
    expect(await rowOf(event)).toMatchObject({ round: 1, event, waiting: ['telephony'] });
  });
});

it('the backlog is the number of waiting events and the age of the oldest', async () => {
  await test.outbox.append([{ event: aDeparture(), targets: ['contacts'] }]);
  test.clock.advance(90_000);
  await test.outbox.append([{ event: aDeparture(), targets: ['contacts'] }]);
  const { waiting, oldestSeconds } = await test.outbox.backlog();
  expect(waiting).toBe(2);
  expect(Math.round(oldestSeconds / 10)).toBe(9);
});
