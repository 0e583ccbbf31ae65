import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { sql } from 'kysely';
import { DEPARTURES, Publisher } from '#libs/broker';
import {
  apps,
  dataSchema,
  departureSubject,
  webhooks,
  webhookUpdate,
  type CloudEvent,
  type DepartureEventType,
  type DepartureNews,
  type Principal,
  type WebhookChanges,
} from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { IntegrationsConfig } from '../integrations.config.js';
import { IntegrationsModule, migrations } from '../integrations.module.js';
import { Receiver } from '../testing/receiver.js';
import { DeliveryWorker } from './delivery.worker.js';
import { Webhook } from './webhook.entity.js';

let integrations: TestService;
let admin: Principal;
let receiver: Receiver;
let url: string;
let messages = 0;

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
  receiver = new Receiver();
  url = await receiver.open();
  admin = await integrations.person({ roles: ['admin'] });
});
afterEach(() => receiver.close());

const create = (events: string[], who = admin) => integrations.call(who, webhooks.create, { body: { url, events } });

type NewsEvent = CloudEvent<DepartureNews> & { type: DepartureEventType };

const news = (type: DepartureEventType, { accountId } = admin): NewsEvent => ({
  specversion: '1.0',
  id: integrations.ids.next(),
  source: 'urn:leaver:identity',
  type,
  subject: accountId,
  time: integrations.clock.now().toISOString(),
  datacontenttype: 'application/json',
  dataschema: dataSchema('DepartureNews'),
  data: {
    departureId: integrations.ids.next(),
    accountId,
    userId: integrations.ids.next(),
    transition: 'deleted',
    effectiveAt: integrations.clock.now().toISOString(),
  },
});

/**
 * Publishes as identity does. Each message has its own id, because the broker drops a second message with the same id.
 */
const publish = (...events: NewsEvent[]) => publishOn(subjectOf, ...events);
const publishOn = (subject: (event: NewsEvent) => string, ...events: NewsEvent[]) =>
  integrations.get(Publisher).publishAll(
    DEPARTURES,
    events.map((event) => ({ subject: subject(event), id: `message-${++messages}`, data: JSON.stringify(event) })),
  );
const subjectOf = ({ type, data }: NewsEvent) => departureSubject(type, data.accountId, data.userId);

const received = () => receiver.received.map(({ body }) => JSON.parse(body) as { type: string; data: DepartureNews });
/** Waits until the queue is empty. The service's own worker may still have to record what it has sent. */
const settled = () =>
  eventually(async () => {
    await integrations.get(DeliveryWorker).drain();
    const { rows } = await sql`select from webhook_delivery`.execute(integrations.em().getKysely());
    return rows.length === 0;
  });

describe('webhooks that subscribe to departure events', () => {
  it('receive them signed, with ids and no personal data', async () => {
    const { secret } = await create(['departure.started', 'departure.failed']);
    const started = news('departure.started');
    await publish(started, news('departure.scheduled'));
    await eventually(() => receiver.received.length > 0);
    await settled();
    const [{ headers, body } = { headers: {}, body: '' }, ...more] = receiver.received;
    expect(more).toEqual([]);
    expect(JSON.parse(body)).toEqual({ type: started.type, timestamp: started.time, data: started.data });
    const key = Buffer.from(secret!.slice('whsec_'.length), 'base64');
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  });

  it('receive events on the subjects of 0.1 and on those of today, each once', async () => {
    await create(['departure.started', 'departure.cancelled']);
    const [former, current] = [news('departure.started'), news('departure.cancelled')];
    await publishOn(({ type }) => type, former);
    await publish(current);
    await eventually(() => receiver.received.length === 2);
    await settled();
    expect(
      received()
        .map(({ data }) => data.departureId)
        .sort(),
    ).toEqual([former, current].map(({ data }) => data.departureId).sort());
  });

  it('receive only events of their own account', async () => {
    await create(['departure.failed']);
    const other = await integrations.person({ roles: ['admin'] });
    const own = news('departure.failed');
    await publish(news('departure.failed', other), own);
    await eventually(() => receiver.received.length > 0);
    await settled();
    expect(received().map(({ data }) => data.departureId)).toEqual([own.data.departureId]);
  });

  it('get the same webhook-id for a repeated event, and a different one for each webhook', async () => {
    await create(['departure.cancelled']);
    await create(['departure.cancelled']);
    const event = news('departure.cancelled');
    await publish(event);
    await eventually(() => receiver.received.length === 2);
    await settled();
    await publish(event);
    await eventually(() => receiver.received.length === 4);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id'] as string);
    expect(new Set(ids).size).toBe(2);
    expect(ids.slice(0, 2).sort()).toEqual(ids.slice(2).sort());
  });

  it('keep working after an undecodable message', async () => {
    await create(['departure.failed']);
    await integrations.get(Publisher).publishAll(DEPARTURES, [{ subject: 'departure.failed', id: 'junk', data: '{' }]);
    await publish(news('departure.failed'));
    await eventually(() => receiver.received.length === 1);
  });

  it('can be created only by owners and admins', async () => {
    const agent = await integrations.person({ accountId: admin.accountId });
    await expect(create(['departure.failed'], agent)).rejects.toMatchObject({ code: 'forbidden' });
    const { id } = await create(['app.installed'], agent);
    const change = { params: { id }, body: { events: ['departure.failed'] } };
    await expect(integrations.call(agent, webhookUpdate, change)).rejects.toMatchObject({ code: 'forbidden' });
    await integrations.call(admin, webhookUpdate, change);
  });

  it('are among all events, for the owners and admins who ask for *', async () => {
    await create(['*']);
    const agent = await integrations.person({ accountId: admin.accountId });
    const agents = new Receiver();
    await integrations.call(agent, webhooks.create, { body: { url: await agents.open(), events: ['*'] } });
    try {
      await publish(news('departure.failed'));
      await integrations.call(admin, apps.create, { body: { appId: 'dialer' } });
      await eventually(() => receiver.received.length === 2 && agents.received.length > 0);
      await settled();
      expect(
        received()
          .map(({ type }) => type)
          .sort(),
      ).toEqual(['app.installed', 'departure.failed']);
      expect(agents.received.map(({ body }) => JSON.parse(body))).toMatchObject([{ type: 'app.installed' }]);
    } finally {
      await agents.close();
    }
  });

  it('are not sent any more once the webhook belongs to an agent, also those that wait', async () => {
    receiver.status = 503;
    const { id } = await create(['*']);
    await publish(news('departure.failed'));
    await eventually(() => receiver.received.length === 1);
    await integrations.get(DeliveryWorker).drain();
    const agent = await integrations.person({ accountId: admin.accountId });
    await integrations.call(admin, webhookUpdate, { params: { id }, body: { ownerId: agent.userId } });
    receiver.status = 204;
    integrations.clock.advanceDays(1);
    await settled();
    expect(receiver.received).toHaveLength(1);
  });

  it('are never asked for by agents through the webhook of a manager', async () => {
    const agent = await integrations.person({ accountId: admin.accountId });
    const refused = { code: 'forbidden' };
    const forAdmin = { url, events: ['*'], ownerId: admin.userId };
    await expect(integrations.call(agent, webhooks.create, { body: forAdmin })).rejects.toMatchObject(refused);
    const update = (id: string, body: WebhookChanges, who = agent) =>
      integrations.call(who, webhookUpdate, { params: { id }, body });
    const { id } = await create(['*'], agent);
    await expect(update(id, { ownerId: admin.userId })).rejects.toMatchObject(refused);
    const given = await create(['departure.failed']);
    await update(given.id, { ownerId: agent.userId }, admin);
    await expect(update(given.id, { url, ownerId: admin.userId })).rejects.toMatchObject(refused);
    await expect(create(['user.invited'], agent)).rejects.toMatchObject(refused);
  });

  it.each([
    ['is no manager', { roles: ['agent'] as Principal['roles'] }],
    ['has left', { roles: ['admin'] as Principal['roles'], status: 'deactivated' as const }],
  ])('receive nothing while their owner %s', async (_why, person) => {
    const { userId } = await integrations.person({ accountId: admin.accountId, ...person });
    const { id } = await create(['departure.failed']);
    await integrations.em().nativeUpdate(Webhook, { id }, { ownerId: userId });
    const mine = await create(['departure.failed']);
    await publish(news('departure.failed'));
    await eventually(() => receiver.received.length > 0);
    await settled();
    expect(receiver.received).toHaveLength(1);
    expect(mine.id).not.toBe(id);
  });
});
