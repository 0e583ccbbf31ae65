import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { webhooks, webhookTest, webhookUpdate, type Principal } from '#libs/contracts';
import { Metrics } from '#libs/observability';
import { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { IntegrationsConfig } from '../integrations.config.js';
import { IntegrationsModule, migrations } from '../integrations.module.js';
import { Receiver } from '../testing/receiver.js';
import { DeliveryWorker } from './delivery.worker.js';

const NEVER = new Promise<never>(() => {});
const [MINUTE, HOUR] = [60_000, 3_600_000];

let integrations: TestService;
let robin: Principal;
let receivers: Receiver[];

beforeAll(async () => {
  integrations = await TestService.start({
    name: 'integrations',
    module: IntegrationsModule,
    migrations,
    config: IntegrationsConfig,
    env: { INTEGRATIONS_SECRET: 'a-secret-for-tests-that-is-long-enough', WEBHOOKS_ALLOW_PRIVATE: 'true' },
  });
});
afterAll(() => integrations.stop());
beforeEach(async () => {
  receivers = [];
  robin = await integrations.person();
});
afterEach(async () => {
  await sql`delete from webhook`.execute(db());
  await sql`delete from webhook_receiver`.execute(db());
  await Promise.all(receivers.map((receiver) => receiver.close()));
});

const db = () => integrations.em().getKysely();
const worker = () => integrations.get(DeliveryWorker);

async function receiverOf(who = robin, more: Partial<Receiver> = {}) {
  const receiver = Object.assign(new Receiver(), more);
  receivers.push(receiver);
  const url = await receiver.open();
  return { receiver, url, id: await webhookTo(url, who) };
}

const webhookTo = async (url: string, who = robin) =>
  (await integrations.call(who, webhooks.create, { body: { url, events: ['app.installed'] } })).id;

async function ping(id: string, times = 1, who = robin): Promise<void> {
  for (let n = 0; n < times; n++) await integrations.call(who, webhookTest, { params: { id } });
  worker().wake();
}

/** Moves the clock on, and has the worker look. */
function later(milliseconds: number): void {
  integrations.clock.advance(milliseconds);
  worker().wake();
}

const attempts = async (id: string) =>
  (
    await sql<{
      attempts: number;
    }>`select attempts from webhook_delivery where webhook_id = ${id} order by attempts`.execute(db())
  ).rows.map((row) => row.attempts);
const isEmpty = (id: string) => eventually(async () => expect(await attempts(id)).toEqual([]));
const metrics = () => integrations.get(Metrics).render();
const givenUp = async () => Number((await metrics()).match(/^leaver_webhook_given_up_total (\d+)/m)![1]);
/** Nothing is under way. */
const quiet = () => worker().drain();

describe('a receiver that never answers', () => {
  it('holds up nobody else: not other accounts, and not other receivers of its own', async () => {
    const silent = await receiverOf(robin, { until: NEVER });
    await ping(silent.id, 60);
    await eventually(() => silent.receiver.received.length > 0);
    const own = await receiverOf();
    const kim = await integrations.person();
    const other = await receiverOf(kim);
    await ping(own.id, 3);
    await ping(other.id, 3, kim);
    await isEmpty(own.id);
    await isEmpty(other.id);
    expect([own.receiver.received.length, other.receiver.received.length]).toEqual([3, 3]);
    expect(silent.receiver.received.length).toBe(4);
  });

  it('does not take all that an account has when there are many of them', async () => {
    for (let n = 0; n < 12; n++) await ping((await receiverOf(robin, { until: NEVER })).id, 4);
    const kim = await integrations.person();
    const other = await receiverOf(kim);
    await ping(other.id, 1, kim);
    await isEmpty(other.id);
    const underWay = receivers.slice(0, 12).reduce((sum, { received }) => sum + received.length, 0);
    expect(underWay).toBe(10);
  });
});

describe('a receiver that fails again and again', () => {
  /** Five failures in a row. */
  async function failing(status = 500) {
    const made = await receiverOf(robin, { status });
    await ping(made.id, 5);
    await eventually(() => made.receiver.received.length === 5);
    await quiet();
    return made;
  }

  it('gets nothing for a while, then a single probe, and the rest when that is answered', async () => {
    const { receiver, id } = await failing();
    await ping(id, 3);
    await quiet();
    expect(receiver.received).toHaveLength(5);

    const held = Promise.withResolvers<void>();
    Object.assign(receiver, { status: 204, until: held.promise });
    later(31_000);
    await eventually(() => receiver.received.length === 6);
    await ping(id);
    await eventually(async () => expect(await attempts(id)).toHaveLength(9));
    expect(receiver.received).toHaveLength(6);

    held.resolve();
    later(10 * MINUTE);
    await isEmpty(id);
    expect(receiver.received).toHaveLength(14);
  });

  it('is paused for longer when the probe fails, which counts as an attempt of everything that waits', async () => {
    const { receiver, id } = await failing();
    await ping(id, 3);
    later(31_000);
    await eventually(() => receiver.received.length === 6);
    await quiet();
    expect(await attempts(id)).toEqual([1, 1, 1, 2, 2, 2, 2, 2]);
    later(31_000);
    await quiet();
    expect(receiver.received).toHaveLength(6);
    later(31_000);
    await eventually(() => receiver.received.length === 7);
  });

  it('gives up in the end what waits for it', async () => {
    const before = await givenUp();
    const { id } = await failing();
    await ping(id, 20);
    await eventually(
      async () => {
        later(24 * HOUR);
        await quiet();
        return (await attempts(id)).length === 0;
      },
      { timeout: 20_000 },
    );
    expect((await givenUp()) - before).toBe(25);
  });

  it('is paused for its account alone', async () => {
    const { receiver, url } = await failing();
    const kim = await integrations.person();
    const id = await webhookTo(url, kim);
    receiver.status = 204;
    await ping(id, 1, kim);
    await isEmpty(id);
  });

  it('is not paused for refusing what it is sent', async () => {
    const { receiver, id } = await failing(404);
    await ping(id);
    await eventually(() => receiver.received.length === 6);
  });

  it('is seen in the metrics', async () => {
    const { id } = await failing();
    later(11_000);
    await eventually(async () => {
      const text = await metrics();
      expect(text).toMatch(/^leaver_webhook_receivers_paused 1$/m);
      expect(text).toMatch(/^leaver_webhook_deliveries_waiting 5$/m);
    });
    expect(await attempts(id)).toHaveLength(5);
  });
});

describe('Retry-After', () => {
  it.each([
    [429, '120'],
    [503, 'date'],
  ])('with %i is waited for (%s)', async (status, value) => {
    const retryAfter = value === 'date' ? new Date(integrations.clock.millis() + 121_000).toUTCString() : value;
    const { receiver, id } = await receiverOf(robin, { status, headers: { 'retry-after': retryAfter } });
    await ping(id);
    await eventually(() => receiver.received.length === 1);
    await quiet();
    receiver.status = 204;
    later(100_000);
    await ping(id);
    await quiet();
    expect(receiver.received).toHaveLength(1);
    later(25_000);
    await isEmpty(id);
    expect(receiver.received).toHaveLength(3);
  });

  it('is waited for an hour at most', async () => {
    const { receiver, id } = await receiverOf(robin, { status: 429, headers: { 'retry-after': '999999' } });
    await ping(id);
    await eventually(() => receiver.received.length === 1);
    await quiet();
    receiver.status = 204;
    later(HOUR + 1_000);
    await isEmpty(id);
  });
});

describe('a delivery that was put off while the clock was ahead', () => {
  it('is sent in its time when the clock has been corrected', async () => {
    integrations.clock.advance(2 * HOUR);
    const { receiver, id } = await receiverOf(robin, { status: 500 });
    await ping(id);
    await eventually(() => receiver.received.length === 1);
    await quiet();
    receiver.status = 204;
    later(-2 * HOUR);
    await isEmpty(id);
  });

  it('is also sent when its receiver was paused then', async () => {
    integrations.clock.advance(2 * HOUR);
    const headers = { 'retry-after': '3600' };
    const { receiver, id } = await receiverOf(robin, { status: 503, headers });
    await ping(id);
    await eventually(() => receiver.received.length === 1);
    await quiet();
    receiver.status = 204;
    later(-2 * HOUR);
    await isEmpty(id);
  });
});

describe('an answer that comes late', () => {
  it('from a former URL disables nothing, and the delivery goes to the new one', async () => {
    const held = Promise.withResolvers<void>();
    const former = await receiverOf(robin, { status: 410, until: held.promise });
    const now = await receiverOf();
    await ping(former.id);
    await eventually(() => former.receiver.received.length === 1);
    await integrations.call(robin, webhookUpdate, { params: { id: former.id }, body: { url: now.url } });
    held.resolve();
    await isEmpty(former.id);
    const { active } = await integrations.call(robin, webhooks.get, { params: { id: former.id } });
    expect(active).toBe(true);
    expect(now.receiver.received).toHaveLength(1);
  });

  it('about a webhook that has been activated again meanwhile does not disable it', async () => {
    const held = Promise.withResolvers<void>();
    const { receiver, id } = await receiverOf(robin, { status: 410, until: held.promise });
    await ping(id);
    await eventually(() => receiver.received.length === 1);
    for (const active of [false, true])
      await integrations.call(robin, webhookUpdate, { params: { id }, body: { active } });
    held.resolve();
    await quiet();
    const { active } = await integrations.call(robin, webhooks.get, { params: { id } });
    expect(active).toBe(true);
  });
});
