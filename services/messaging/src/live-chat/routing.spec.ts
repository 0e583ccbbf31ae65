import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  liveChatClose,
  liveChatOperatorPut,
  liveChats,
  liveChatTake,
  type Availability,
  type LiveChat,
  type Principal,
} from '#libs/contracts';
import { overlap } from '#libs/lifecycle/testing';
import { startService, type RunningService } from '#libs/platform';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { MessagingModule } from '../messaging.module.js';
import { departs } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';
import { LiveChatRouter } from './live-chat-router.worker.js';

describe('live chats are routed', () => {
  let messaging: TestService;
  let replica: RunningService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
    const { clock, database, broker } = messaging;
    const env = { DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'silent' };
    replica = await startService({ name: 'messaging', module: MessagingModule, env, clock });
  });
  afterAll(async () => {
    await replica?.close();
    await messaging?.stop();
  });
  beforeEach(async () => {
    robin = await messaging.person({ roles: ['owner'] });
    kim = await messaging.person({ accountId: robin.accountId, name: 'Kim Example' });
  });

  const arrives = (operatorId?: string) =>
    messaging.call(robin, liveChats.create, { body: { visitor: 'A visitor', operatorId } });
  const says = (operator: Principal, body: Availability) =>
    messaging.call(operator, liveChatOperatorPut, { params: { userId: operator.userId }, body });
  const close = ({ id }: LiveChat) => messaging.call(robin, liveChatClose, { params: { id } });
  const now = ({ id }: LiveChat) => messaging.call(robin, liveChats.get, { params: { id } });
  const openOf = async ({ userId: operatorId }: Principal) =>
    (await messaging.call(robin, liveChats.list, { query: { operatorId, status: 'open', limit: 200 } })).items;
  const waiting = async () =>
    (await messaging.call(robin, liveChats.list, { query: { status: 'queued', limit: 200 } })).items;
  /** Straight into the table: no call has had the chance to route them. */
  const queue = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        sql`insert into live_chat (id, account_id, visitor, status, created_at)
            values (${messaging.ids.next()}, ${robin.accountId}, 'A visitor', 'queued', ${messaging.clock.now()})`.execute(
          messaging.em().getKysely(),
        ),
      ),
    );

  it('to nobody until somebody says that they answer', async () => {
    expect(await arrives()).toMatchObject({ status: 'queued', operator: null });
    await says(kim, { available: false });
    expect(await arrives()).toMatchObject({ status: 'queued', operator: null });
    expect(await waiting()).toHaveLength(2);
  });

  it('at once, to whoever has the fewest open ones', async () => {
    await arrives(kim.userId);
    await says(kim, { available: true });
    await says(robin, { available: true });
    expect(await arrives()).toMatchObject({ status: 'open', operatorId: robin.userId });
    const third = await arrives();
    const fourth = await arrives();
    expect(new Set([third.operatorId, fourth.operatorId])).toEqual(new Set([robin.userId, kim.userId]));
    await close(third);
    expect(await arrives()).toMatchObject({ operatorId: third.operatorId });
  });

  it('to whoever has gone longest without a new one, when several have as few', async () => {
    await says(robin, { available: true });
    await says(kim, { available: true });
    const [first, second] = [await arrives(), await arrives()];
    expect(first.operatorId).not.toBe(second.operatorId);
    await close(second);
    await close(first);
    messaging.clock.advance(1);
    expect((await arrives()).operatorId).toBe(first.operatorId);
  });

  it('given by hand, one is a new one as well', async () => {
    const chat = await arrives();
    await says(kim, { available: true, maxChats: 1 });
    await says(robin, { available: true });
    expect(await now(chat)).toMatchObject({ operatorId: kim.userId });
    messaging.clock.advance(1);
    const second = await arrives(robin.userId);
    await close(chat);
    await close(second);
    expect((await arrives()).operatorId).toBe(kim.userId);
  });

  it('to nobody who has as many as they want; the next one comes when one is closed', async () => {
    await says(kim, { available: true, maxChats: 2 });
    const [first] = [await arrives(), await arrives()];
    const third = await arrives();
    expect(third).toMatchObject({ status: 'queued' });
    await messaging.call(robin, liveChatTake, { params: { id: third.id } });
    const fourth = await arrives();
    expect(fourth).toMatchObject({ status: 'queued' });
    await close(first);
    expect(await now(fourth)).toMatchObject({ status: 'open', operatorId: kim.userId });
  });

  it('from the queue, the oldest first, when somebody begins to answer', async () => {
    const [first, second, third] = [await arrives(), await arrives(), await arrives()];
    await says(kim, { available: true, maxChats: 1 });
    expect(await openOf(kim)).toMatchObject([{ id: first.id }]);
    await says(kim, { available: true, maxChats: 2 });
    expect(await openOf(kim)).toMatchObject([{ id: second.id }, { id: first.id }]);
    expect(await waiting()).toMatchObject([{ id: third.id }]);
  });

  it('from the queue evenly, counting those that each has already', async () => {
    for (const _ of [1, 2, 3]) await arrives(kim.userId);
    for (let n = 0; n < 5; n++) await arrives();
    await says(kim, { available: true });
    expect(await openOf(kim)).toHaveLength(8);
    for (let n = 0; n < 2; n++) await close((await openOf(kim))[0]!);
    await queue(8);
    await says(robin, { available: true });
    expect([(await openOf(kim)).length, (await openOf(robin)).length]).toEqual([7, 7]);
  });

  it.each(['deactivated', 'deleted'] as const)('to somebody else when their operator is %s', async (to) => {
    await says(kim, { available: true });
    const chats = [await arrives(), await arrives()];
    await says(robin, { available: true, maxChats: 1 });
    await departs(messaging, kim, to);
    await eventually(async () => expect(await openOf(robin)).toMatchObject([{ id: chats[0]!.id }]));
    expect(await now(chats[1]!)).toMatchObject({ status: 'queued', operator: null });
    expect(await openOf(kim)).toEqual([]);
  });

  it.each(['before', 'after'] as const)('never to somebody who leaves just %s they arrive', async (when) => {
    const leaver = await messaging.person({ accountId: robin.accountId });
    await says(leaver, { available: true });
    const leave = () => departs(messaging, leaver, 'deactivated');
    const contested = {
      adminUrl: messaging.database.adminUrl,
      row: 'directory where user_id = $1',
      id: leaver.userId,
    };
    const seen = await (when === 'after' ? overlap(contested, arrives, leave) : overlap(contested, leave, arrives));
    expect(seen).toMatchObject({ first: { status: 'fulfilled' }, second: { status: 'fulfilled' } });
    await arrives();
    expect(await openOf(leaver)).toEqual([]);
  });

  it('not to somebody who comes back, until they say so', async () => {
    await says(kim, { available: true });
    await departs(messaging, kim, 'deactivated');
    await expect(says(kim, { available: true })).rejects.toMatchObject({ code: 'inactive-user' });
    await departs(messaging, kim, 'active');
    const chat = await arrives();
    expect(chat).toMatchObject({ status: 'queued' });
    expect(await says(kim, { available: true })).toMatchObject({ openChats: 1 });
    expect(await now(chat)).toMatchObject({ operatorId: kim.userId });
  });

  it('to each once, and within every limit, however many replicas route and chats arrive at once', async () => {
    await says(kim, { available: true, maxChats: 7 });
    await says(robin, { available: true, maxChats: 9 });
    await queue(15);
    const routers = [messaging.get(LiveChatRouter), replica.app.get(LiveChatRouter, { strict: false })];
    await Promise.all([...routers.map((router) => router.drain()), arrives(), arrives(), arrives()]);
    expect([(await openOf(kim)).length, (await openOf(robin)).length]).toEqual([7, 9]);
    expect(await waiting()).toHaveLength(2);
  });
});
