import { linkedEmails, type NewLinkedEmail, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { leaves, startMessaging } from '../testing/messaging.js';

describe('emails linked to a record', () => {
  let messaging: TestService;
  let robin: Principal;
  let admin: Principal;
  let recordId: string;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person();
    admin = await messaging.person({ accountId: robin.accountId, name: 'Kim Example', roles: ['admin'] });
    recordId = messaging.ids.next();
  });
  const link = (more: Partial<NewLinkedEmail> = {}) =>
    messaging.call(robin, linkedEmails.create, {
      body: { recordId, subject: 'Our offer', body: 'As we have agreed', ...more },
    });
  const read = (by: Principal, id: string) => messaging.call(by, linkedEmails.get, { params: { id } });
  const listed = async (by: Principal, query = {}) => (await messaging.call(by, linkedEmails.list, { query })).items;

  it('are visible to everyone if shared, and only to their owner if private', async () => {
    const shared = await link({ visibility: 'shared' });
    const mine = await link();
    await link({ visibility: 'shared', recordId: messaging.ids.next() });
    expect(mine).toMatchObject({ recordId, visibility: 'private', owner: { id: robin.userId, name: 'Robin Example' } });
    expect(await listed(robin, { recordId })).toEqual([mine, shared]);
    expect(await listed(admin, { recordId })).toEqual([shared]);
    expect(await listed(admin, { recordId, ownerId: robin.userId })).toEqual([shared]);
    expect(await read(admin, shared.id)).toEqual(shared);
    await expect(read(admin, mine.id)).rejects.toMatchObject({ code: 'not-found' });
    const stranger = await messaging.person();
    expect(await listed(stranger, { recordId })).toEqual([]);
  });

  it('can be removed by users who can see them', async () => {
    const { id } = await link();
    const remove = (by: Principal) => messaging.call(by, linkedEmails.remove, { params: { id } });
    await expect(remove(admin)).rejects.toMatchObject({ code: 'not-found' });
    await remove(robin);
    await expect(read(robin, id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('that are shared keep an owner who has left, and a user who has left cannot create new ones', async () => {
    const { id } = await link({ visibility: 'shared' });
    await leaves(messaging, robin, 'deleted');
    expect(await read(admin, id)).toMatchObject({ owner: { name: 'Deleted user', status: 'deleted' } });
    for (const visibility of ['shared', 'private'] as const)
      await expect(link({ visibility })).rejects.toMatchObject({ code: 'inactive-user' });
  });
});
