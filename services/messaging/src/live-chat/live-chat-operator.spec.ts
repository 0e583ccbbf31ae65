import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { closeNats, connectNats } from '#libs/broker';
import {
  directoryLookup,
  liveChatOperatorPut,
  liveChatOperatorRemove,
  liveChatOperators,
  liveChats,
  type Availability,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { departs } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';

describe('available agents', () => {
  let messaging: TestService;
  let robin: Principal;
  let kim: Principal;
  let admin: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person();
    kim = await messaging.person({ accountId: robin.accountId, name: 'Kim Example' });
    admin = await messaging.person({ accountId: robin.accountId, roles: ['admin'] });
  });
  const put = (by: Principal, { userId }: Principal, body: Availability) =>
    messaging.call(by, liveChatOperatorPut, { params: { userId }, body });
  const remove = (by: Principal, { userId }: Principal) =>
    messaging.call(by, liveChatOperatorRemove, { params: { userId } });
  const list = async (query: { available?: boolean; limit?: number; cursor?: string } = {}) =>
    messaging.call(robin, liveChatOperators, { query });

  it('declare it themselves, and are shown with their load', async () => {
    expect((await list()).items).toEqual([]);
    const shown = await put(kim, kim, { available: true, maxChats: 3 });
    const view = { id: kim.userId, name: 'Kim Example', status: 'active' };
    expect(shown).toEqual({
      ...{ userId: kim.userId, user: view, available: true, maxChats: 3, openChats: 0, lastChatAt: null },
    });
    await messaging.call(robin, liveChats.create, { body: { visitor: 'A visitor' } });
    expect((await list()).items).toEqual([{ ...shown, openChats: 1, lastChatAt: expect.any(String) }]);
    expect(await put(kim, kim, { available: false })).toMatchObject({ available: false, maxChats: null, openChats: 1 });
  });

  it('are listed page by page, filtered by availability', async () => {
    await put(kim, kim, { available: true });
    await put(robin, robin, { available: false });
    const first = await list({ limit: 1 });
    const second = await list({ limit: 1, cursor: first.nextCursor! });
    expect([...first.items, ...second.items].map(({ userId }) => userId)).toEqual([kim.userId, robin.userId]);
    expect(second.nextCursor).toBeNull();
    expect((await list({ available: true })).items).toMatchObject([{ userId: kim.userId }]);
    expect((await list({ available: false })).items).toMatchObject([{ userId: robin.userId }]);
  });

  it('can also be set by owners and admins, but not by other colleagues', async () => {
    await expect(put(robin, kim, { available: true })).rejects.toMatchObject({ code: 'forbidden' });
    expect(await put(admin, kim, { available: true })).toMatchObject({ userId: kim.userId });
    await expect(remove(robin, kim)).rejects.toMatchObject({ code: 'forbidden' });
    await remove(admin, kim);
    expect((await list()).items).toEqual([]);
  });

  it('can remove themselves, and keep their open chats', async () => {
    await put(kim, kim, { available: true });
    const { id } = await messaging.call(robin, liveChats.create, { body: { visitor: 'A visitor' } });
    await remove(kim, kim);
    expect((await list()).items).toEqual([]);
    expect(await messaging.call(robin, liveChats.get, { params: { id } })).toMatchObject({ operatorId: kim.userId });
    await expect(remove(kim, kim)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are not visible to other accounts', async () => {
    const identity = await connectNats({ url: messaging.broker.url, name: 'identity' });
    const nobody = JSON.stringify({ response: { people: [] }, isDisposed: true, id: '0' });
    identity.subscribe(directoryLookup.subject, { callback: (_error, message) => void message.respond(nobody) });
    await identity.flush();
    const stranger = await messaging.person({ roles: ['owner'] });
    await put(kim, kim, { available: true });
    await expect(put(stranger, kim, { available: false })).rejects.toMatchObject({ code: 'not-found' });
    await expect(remove(stranger, kim)).rejects.toMatchObject({ code: 'not-found' });
    expect((await messaging.call(stranger, liveChatOperators)).items).toEqual([]);
    await closeNats(identity);
  });

  it.each(['deactivated', 'deleted'] as const)('who are %s are removed', async (to) => {
    await put(kim, kim, { available: true });
    await departs(messaging, kim, to);
    expect((await list()).items).toEqual([]);
    await expect(put(admin, kim, { available: true })).rejects.toMatchObject({ code: 'inactive-user' });
    await eventually(async () => {
      const { rows } = await sql`select 1 from chat_operator where user_id = ${kim.userId}`.execute(
        messaging.em().getKysely(),
      );
      expect(rows).toEqual([]);
    });
  });
});
