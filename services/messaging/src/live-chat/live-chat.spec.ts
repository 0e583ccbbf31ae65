import { liveChatClose, liveChats, liveChatTake, type Principal } from '#libs/contracts';
import { overlap } from '#libs/lifecycle/testing';
import type { TestService } from '#libs/platform/testing';
import { leaves, startMessaging } from '../testing/messaging.js';

describe('live chats', () => {
  let messaging: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person();
    kim = await messaging.person({ accountId: robin.accountId, name: 'Kim Example' });
  });
  const arrive = (operatorId?: string) =>
    messaging.call(robin, liveChats.create, { body: { visitor: 'A visitor', operatorId } });
  const take = (by: Principal, id: string) => messaging.call(by, liveChatTake, { params: { id } });
  const close = (by: Principal, id: string) => messaging.call(by, liveChatClose, { params: { id } });

  it('are queued without an agent, and open with one', async () => {
    const queued = await arrive();
    expect(queued).toMatchObject({ visitor: 'A visitor', status: 'queued', operatorId: null, operator: null });
    const open = await arrive(kim.userId);
    expect(open).toMatchObject({ status: 'open', operatorId: kim.userId, operator: { name: 'Kim Example' } });
    expect((await messaging.call(robin, liveChats.list, { query: { operatorId: 'none' } })).items).toEqual([queued]);
    expect((await messaging.call(robin, liveChats.list, { query: { status: 'open' } })).items).toEqual([open]);
  });

  it('can be created with a status that fits', async () => {
    const enter = (body: { operatorId?: string; status: 'queued' | 'open' | 'closed' }) =>
      messaging.call(robin, liveChats.create, { body: { visitor: 'A visitor', ...body } });
    expect(await enter({ operatorId: kim.userId, status: 'closed' })).toMatchObject({
      status: 'closed',
      operatorId: kim.userId,
    });
    expect(await enter({ status: 'queued' })).toMatchObject({ status: 'queued' });
    await expect(enter({ operatorId: kim.userId, status: 'queued' })).rejects.toMatchObject({ code: 'validation' });
    await expect(enter({ status: 'open' })).rejects.toMatchObject({ code: 'validation' });
  });

  it('in the queue go to the first of several concurrent callers', async () => {
    const { id } = await arrive();
    const contested = { adminUrl: messaging.database.adminUrl, row: 'live_chat where id = $1', id };
    const { first, second, hasWaited } = await overlap(
      contested,
      () => take(robin, id),
      () => take(kim, id),
    );
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'conflict' } });
    expect(hasWaited).toBe(true);
    const shown = await messaging.call(robin, liveChats.get, { params: { id } });
    expect(shown).toMatchObject({ operatorId: robin.userId });
    expect(first).toEqual({ status: 'fulfilled', value: shown });
  });

  it('of a colleague cannot be taken, and taking one’s own again changes nothing', async () => {
    const { id } = await arrive(kim.userId);
    await expect(take(robin, id)).rejects.toMatchObject({ code: 'conflict' });
    expect(await take(kim, id)).toMatchObject({ status: 'open', operatorId: kim.userId });
  });

  it('are handed over while they are open, and then answered by the other agent', async () => {
    const { id } = await arrive(kim.userId);
    const give = (by: Principal, { userId: operatorId }: Principal) =>
      messaging.call(by, liveChats.update, { params: { id }, body: { operatorId } });
    await expect(give(robin, robin)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await give(kim, robin)).toMatchObject({ status: 'open', operatorId: robin.userId });
    await close(robin, id);
    await expect(give(robin, kim)).rejects.toMatchObject({ code: 'conflict' });
    const queued = await arrive();
    const body = { operatorId: kim.userId, visitor: 'Ada' };
    const given = await messaging.call(robin, liveChats.update, { params: { id: queued.id }, body });
    expect(given).toMatchObject({ status: 'open', visitor: 'Ada', operator: { name: 'Kim Example' } });
  });

  it.each(['deactivated', 'deleted'] as const)('of an agent who is %s can be taken over', async (status) => {
    const { id } = await arrive(kim.userId);
    await leaves(messaging, kim, status);
    expect(await take(robin, id)).toMatchObject({ status: 'open', operatorId: robin.userId });
  });

  it('cannot be assigned to a user who has left', async () => {
    const { id } = await arrive();
    await leaves(messaging, kim, 'deactivated');
    await expect(take(kim, id)).rejects.toMatchObject({ code: 'inactive-user' });
    await expect(arrive(kim.userId)).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it('can be closed by anyone, stay closed, and keep their agent', async () => {
    const { id } = await arrive(kim.userId);
    await leaves(messaging, kim, 'deactivated');
    const closed = await close(robin, id);
    expect(closed).toMatchObject({ status: 'closed', operatorId: kim.userId });
    expect(await close(robin, id)).toEqual(closed);
    await expect(take(robin, id)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('are not visible to other accounts', async () => {
    const { id } = await arrive();
    const stranger = await messaging.person();
    await expect(take(stranger, id)).rejects.toMatchObject({ code: 'not-found' });
    await expect(close(stranger, id)).rejects.toMatchObject({ code: 'not-found' });
  });
});
