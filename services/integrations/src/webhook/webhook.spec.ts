import { describe, it, expect, beforeAll, beforeEach, afterAll, afterEach } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import {
  apps,
  webhookRotateSecret,
  webhooks,
  webhookTest,
  webhookUpdate,
  type Principal,
  type WebhookChanges,
} from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { IntegrationsConfig } from '../integrations.config.js';
import { IntegrationsModule, migrations } from '../integrations.module.js';
import { Receiver } from '../testing/receiver.js';
import { Webhook } from './webhook.entity.js';
import { DeliveryWorker } from './delivery.worker.js';

const start = (allowPrivate: boolean) =>
  TestService.start({
    name: 'integrations',
    module: IntegrationsModule,
    migrations,
    config: IntegrationsConfig,
    env: {
      INTEGRATIONS_SECRET: 'a-secret-for-tests-that-is-long-enough',
      WEBHOOKS_ALLOW_PRIVATE: String(allowPrivate),
    },
  });

let integrations: TestService;
let robin: Principal;
let receiver: Receiver;
let url: string;

const create = (more: object = {}, who = robin) =>
  integrations.call(who, webhooks.create, { body: { url, events: ['app.installed'], ...more } });
const update = (id: string, body: WebhookChanges, who = robin) =>
  integrations.call(who, webhookUpdate, { params: { id }, body });
const worker = () => integrations.get(DeliveryWorker);

async function ping(id: string, who = robin) {
  const answer = await integrations.call(who, webhookTest, { params: { id } });
  worker().wake();
  return answer;
}

const waiting = async () =>
  (await sql<{ attempts: number }>`select attempts from webhook_delivery`.execute(integrations.em().getKysely())).rows;

/** Seconds until the next attempt; 0 while an attempt is running, which the 60-second lease shows. */
async function dueIn(): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    select extract(epoch from due_at - ${integrations.clock.now()}::timestamptz)::float as seconds
    from webhook_delivery`.execute(integrations.em().getKysely());
  const { seconds } = rows[0]!;
  return seconds > 50 && seconds < 61 ? 0 : seconds;
}

beforeEach(async () => {
  receiver = new Receiver();
  url = await receiver.open();
});
afterEach(() => receiver.close());

describe('webhooks', () => {
  beforeAll(async () => {
    integrations = await start(true);
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    await sql`delete from webhook_delivery`.execute(integrations.em().getKysely());
    robin = await integrations.person();
  });

  it('return their secret once and store it encrypted', async () => {
    const { secret, ...made } = await create();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(made).toMatchObject({ url, events: ['app.installed'], active: true, owner: { id: robin.userId } });
    expect(await integrations.call(robin, webhooks.get, { params: { id: made.id } })).toEqual(made);
    expect((await integrations.call(robin, webhooks.list)).items).toEqual([made]);
    const row = await integrations.em().findOneOrFail(Webhook, { id: made.id });
    expect(row.secret).not.toContain(secret!.slice('whsec_'.length));
  });

  it('receive a ping that their secret verifies', async () => {
    const { id, secret } = await create();
    const { deliveryId } = await ping(id);
    await eventually(() => receiver.received.length > 0);
    const { headers, body } = receiver.received[0]!;
    expect(JSON.parse(body)).toMatchObject({ type: 'ping', timestamp: expect.any(String), data: { webhookId: id } });
    expect(headers).toMatchObject({ 'webhook-id': deliveryId, 'content-type': 'application/json' });
    const key = Buffer.from(secret!.slice('whsec_'.length), 'base64');
    const signed = `${deliveryId}.${headers['webhook-timestamp']}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(receiver.received).toHaveLength(1);
  });

  it('are signed with both secrets for a day after a rotation, or as long as is asked for', async () => {
    const { id, secret: former } = await create();
    const rotate = (body = {}) => integrations.call(robin, webhookRotateSecret, { params: { id }, body });
    const { secret, formerSecretUntil } = await rotate();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(secret).not.toBe(former);
    const hours = (new Date(formerSecretUntil!).getTime() - integrations.clock.millis()) / 3_600_000;
    expect(hours).toBeCloseTo(24, 1);
    expect(await integrations.call(robin, webhooks.get, { params: { id } })).toMatchObject({ formerSecretUntil });

    const signaturesOf = async (...secrets: (string | undefined)[]) => {
      const count = receiver.received.length;
      const { deliveryId } = await ping(id);
      await eventually(() => receiver.received.length > count);
      const { headers, body } = receiver.received.at(-1)!;
      const signed = `${deliveryId}.${headers['webhook-timestamp']}.${body}`;
      const expected = secrets.map((known) => {
        const key = Buffer.from(known!.slice('whsec_'.length), 'base64');
        return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
      });
      expect(headers['webhook-signature']).toBe(expected.join(' '));
    };
    await signaturesOf(secret, former);
    const { secret: newest } = await rotate({ keepFormerHours: 1 });
    await signaturesOf(newest, secret);
    integrations.clock.advance(3_600_000);
    await signaturesOf(newest);
    expect(await integrations.call(robin, webhooks.get, { params: { id } })).toMatchObject({ formerSecretUntil: null });
    const atOnce = await rotate({ keepFormerHours: 0 });
    expect(atOnce.formerSecretUntil).toBeNull();
    await signaturesOf(atOnce.secret);
  });

  it('receive the events they subscribed to, of their own account only', async () => {
    await create();
    const stranger = await integrations.person();
    await integrations.call(stranger, apps.create, { body: { appId: 'of a stranger' } });
    await create({ events: ['something.else'] });
    const { id } = await integrations.call(robin, apps.create, { body: { appId: 'dialer', accessToken: 'secret' } });
    await eventually(() => receiver.received.length > 0);
    await worker().drain();
    expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject([
      { type: 'app.installed', data: { id, appId: 'dialer' } },
    ]);
    expect(receiver.received[0]!.body).not.toContain('secret');
  });

  it('are retried with growing delays under the same id', async () => {
    receiver.status = 503;
    const { id } = await create();
    await ping(id);
    await eventually(() => receiver.received.length === 1);
    await eventually(async () => expect(await dueIn()).toBeGreaterThan(4));
    expect(await dueIn()).toBeLessThan(6);
    integrations.clock.advance(6_000);
    worker().wake();
    await eventually(() => receiver.received.length === 2);
    await eventually(async () => expect(await dueIn()).toBeGreaterThan(250));
    receiver.status = 200;
    integrations.clock.advance(400_000);
    worker().wake();
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-signature'])).size).toBe(3);
  });

  it('are given up after the last attempt', async () => {
    receiver.status = 500;
    const { id } = await create();
    await ping(id);
    for (let attempt = 1; attempt <= 10; attempt++) {
      await eventually(() => receiver.received.length === attempt);
      if (attempt < 10) await eventually(async () => expect((await waiting())[0]!.attempts).toBe(attempt));
      await worker().drain();
      integrations.clock.advanceDays(2);
      worker().wake();
    }
    await eventually(async () => expect(await waiting()).toEqual([]));
  });

  it('do not follow redirects', async () => {
    receiver.status = 307;
    const { id } = await create();
    await ping(id);
    await eventually(async () => expect(await waiting()).toMatchObject([{ attempts: 1 }]));
    await eventually(() => receiver.received.length === 1);
    await eventually(async () => expect(await dueIn()).toBeGreaterThan(0));
    expect(receiver.received).toHaveLength(1);
  });

  it('are disabled when the receiver answers 410', async () => {
    receiver.status = 410;
    const { id } = await create();
    await ping(id);
    await eventually(async () => {
      const { active } = await integrations.call(robin, webhooks.get, { params: { id } });
      expect(active).toBe(false);
    });
    expect(await waiting()).toEqual([]);
  });

  it('receive nothing more when disabled, including queued deliveries', async () => {
    receiver.status = 503;
    const { id } = await create();
    await ping(id);
    await eventually(async () => expect(await dueIn()).toBeGreaterThan(0));
    expect(await update(id, { active: false })).toMatchObject({ active: false });
    expect(await waiting()).toEqual([]);
    await expect(ping(id)).rejects.toMatchObject({ code: 'conflict' });
    await integrations.call(robin, apps.create, { body: { appId: 'dialer' } });
    expect(await waiting()).toEqual([]);
    expect(receiver.received).toHaveLength(1);
  });

  it('cannot belong to a user who has left, nor be activated for one', async () => {
    const { userId } = await integrations.person({ accountId: robin.accountId, status: 'deactivated' });
    const refused = { code: 'inactive-user' };
    const admin = await integrations.person({ accountId: robin.accountId, roles: ['admin'] });
    await expect(create({ ownerId: userId }, admin)).rejects.toMatchObject(refused);
    const { id } = await create({ active: false });
    await expect(update(id, { ownerId: userId })).rejects.toMatchObject(refused);
    await integrations.em().nativeUpdate(Webhook, { id }, { ownerId: userId });
    await expect(update(id, { active: true }, admin)).rejects.toMatchObject(refused);
    const given = await update(id, { active: true, ownerId: robin.userId }, admin);
    expect(given).toMatchObject({ active: true, ownerId: robin.userId });
  });

  it('are seen, changed and tested only by their owner and by managers', async () => {
    const { id } = await create();
    const colleague = await integrations.person({ accountId: robin.accountId });
    const absent = { code: 'not-found' };
    await expect(update(id, { url: 'https://example.com/' }, colleague)).rejects.toMatchObject(absent);
    await expect(ping(id, colleague)).rejects.toMatchObject(absent);
    expect((await integrations.call(colleague, webhooks.list)).items).toEqual([]);
    const rotate = (who: Principal) => integrations.call(who, webhookRotateSecret, { params: { id }, body: {} });
    await expect(rotate(colleague)).rejects.toMatchObject(absent);
    const stranger = await integrations.person({ roles: ['owner'] });
    await expect(update(id, {}, stranger)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('webhooks without permission for private addresses', () => {
  beforeAll(async () => {
    integrations = await start(false);
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    await sql`delete from webhook_delivery`.execute(integrations.em().getKysely());
    robin = await integrations.person();
  });

  it('cannot be set to a private URL', async () => {
    const refused = { code: 'validation', details: { errors: [{ field: 'url' }] } };
    await expect(create()).rejects.toMatchObject(refused);
    const { id } = await create({ url: 'https://example.com/hook' });
    await expect(update(id, { url: 'http://localhost:3000/' })).rejects.toMatchObject(refused);
  });

  it.each(['127.0.0.1', 'localhost'])('are not delivered to %s, even if the stored URL targets it', async (host) => {
    const { id } = await create({ url: 'https://example.com/hook' });
    const there = url.replace('127.0.0.1', host);
    await integrations.em().nativeUpdate(Webhook, { id }, { url: there });
    await ping(id);
    // Rescheduled: the attempt is over.
    await eventually(async () => expect(await dueIn()).toBeGreaterThan(4));
    expect(receiver.received).toEqual([]);
  });
});
