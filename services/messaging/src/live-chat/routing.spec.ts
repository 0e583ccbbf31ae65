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
import { serviceKeys, eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { MessagingModule } from '../messaging.module.js';
import { departs } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';
import { LiveChatRouter } from './live-chat-router.worker.js';

describe('live chat routing', () => {
  let messaging: TestService;
  let replica: RunningService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
    const { clock, database, broker } = messaging;
    const env = { DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'silent', ...serviceKeys('messaging') };
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
  const declare = (operator: Principal, body: Availability) =>
    messaging.call(operator, liveChatOperatorPut, { params: { userId: operator.userId }, body });
  const close = ({ id }: LiveChat) => messaging.call(robin, liveChatClose, { params: { id } });
  const now = ({ id }: LiveChat) => messaging.call(robin, liveChats.get, { params: { id } });
  const openOf = async ({ userId: operatorId }: Principal) =>
    (await messaging.call(robin, liveChats.list, { query: { operatorId, status: 'open', limit: 200 } })).items;
  const waiting = async () =>
    (await messaging.call(robin, liveChats.list, { query: { status: 'queued', limit: 200 } })).items;
  /** Inserts chats directly into the table, so that no call routes them. */
  const queue = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        sql`insert into live_chat (id, account_id, visitor, status, created_at)
            values (${messaging.ids.next()}, ${robin.accountId}, 'A visitor', 'queued', ${messaging.clock.now()})`.execute(
          messaging.em().getKysely(),
        ),
      ),
    );

  it('leaves chats in the queue until a user is available', async () => {
    expect(await arrives()).toMatchObject({ status: 'queued', operator: null });
    await declare(kim, { available: false });
    expect(await arrives()).toMatchObject({ status: 'queued', operator: null });
    expect(await waiting()).toHaveLength(2);
  });

  it('assigns a new chat immediately to the agent with the fewest open ones', async () => {
    await arrives(kim.userId);
    await declare(kim, { available: true });
    await declare(robin, { available: true });
    expect(await arrives()).toMatchObject({ status: 'open', operatorId: robin.userId });
    const third = await arrives();
    const fourth = await arrives();
    expect(new Set([third.operatorId, fourth.operatorId])).toEqual(new Set([robin.userId, kim.userId]));
    await close(third);
    expect(await arrives()).toMatchObject({ operatorId: third.operatorId });
  });

  it('assigns a chat to the agent with the oldest last chat if several have equally few', async () => {
    await declare(robin, { available: true });
    await declare(kim, { available: true });
    const [first, second] = [await arrives(), await arrives()];
    expect(first.operatorId).not.toBe(second.operatorId);
    await close(second);
    await close(first);
    messaging.clock.advance(1);
    expect((await arrives()).operatorId).toBe(first.operatorId);
  });

  it('counts a manually assigned chat as the agent’s last chat', async () => {
    const chat = await arrives();
    await declare(kim, { available: true, maxChats: 1 });
    await declare(robin, { available: true });
    expect(await now(chat)).toMatchObject({ operatorId: kim.userId });
    messaging.clock.advance(1);
    const second = await arrives(robin.userId);
    await close(chat);
    await close(second);
    expect((await arrives()).operatorId).toBe(kim.userId);
  });

  it('respects the agent’s limit, and assigns the next chat when one is closed', async () => {
    await declare(kim, { available: true, maxChats: 2 });
    const [first] = [await arrives(), await arrives()];
    const third = await arrives();
    expect(third).toMatchObject({ status: 'queued' });
    await messaging.call(robin, liveChatTake, { params: { id: third.id } });
    const fourth = await arrives();
    expect(fourth).toMatchObject({ status: 'queued' });
    await close(first);
    expect(await now(fourth)).toMatchObject({ status: 'open', operatorId: kim.userId });
  });

  it('assigns queued chats, oldest first, when an agent becomes available', async () => {
    const [first, second, third] = [await arrives(), await arrives(), await arrives()];
    await declare(kim, { available: true, maxChats: 1 });
    expect(await openOf(kim)).toMatchObject([{ id: first.id }]);
    await declare(kim, { available: true, maxChats: 2 });
    expect(await openOf(kim)).toMatchObject([{ id: second.id }, { id: first.id }]);
    expect(await waiting()).toMatchObject([{ id: third.id }]);
  });

  it('distributes queued chats so that all agents have equally many', async () => {
    for (const _ of [1, 2, 3]) await arrives(kim.userId);
    for (let n = 0; n < 5; n++) await arrives();
    await declare(kim, { available: true });
    expect(await openOf(kim)).toHaveLength(8);
    for (let n = 0; n < 2; n++) await close((await openOf(kim))[0]!);
    await queue(8);
    await declare(robin, { available: true });
    expect([(await openOf(kim)).length, (await openOf(robin)).length]).toEqual([7, 7]);
  });

  it.each(['deactivated', 'deleted'] as const)('reassigns chats when their agent is %s', async (to) => {
    await declare(kim, { available: true });
    const chats = [await arrives(), await arrives()];
    await declare(robin, { available: true, maxChats: 1 });
    await departs(messaging, kim, to);
    await eventually(async () => expect(await openOf(robin)).toMatchObject([{ id: chats[0]!.id }]));
    expect(await now(chats[1]!)).toMatchObject({ status: 'queued', operator: null });
    expect(await openOf(kim)).toEqual([]);
  });

  it.each(['before', 'after'] as const)('assigns no chat to an agent who leaves just %s it arrives', async (when) => {
    const leaver = await messaging.person({ accountId: robin.accountId });
    await declare(leaver, { available: true });
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

  it('ignores a reactivated user until they declare availability again', async () => {
    await declare(kim, { available: true });
    await departs(messaging, kim, 'deactivated');
    await expect(declare(kim, { available: true })).rejects.toMatchObject({ code: 'inactive-user' });
    await departs(messaging, kim, 'active');
    const chat = await arrives();
    expect(chat).toMatchObject({ status: 'queued' });
    expect(await declare(kim, { available: true })).toMatchObject({ openChats: 1 });
    expect(await now(chat)).toMatchObject({ operatorId: kim.userId });
  });

  it('respects all limits with concurrent replicas and arrivals', async () => {
    await declare(kim, { available: true, maxChats: 7 });
    await declare(robin, { available: true, maxChats: 9 });
    await queue(15);
    const routers = [messaging.get(LiveChatRouter), replica.app.get(LiveChatRouter, { strict: false })];
    await Promise.all([...routers.map((router) => router.drain()), arrives(), arrives(), arrives()]);
    expect([(await openOf(kim)).length, (await openOf(robin)).length]).toEqual([7, 9]);
    expect(await waiting()).toHaveLength(2);
  });
});
