import { emailTemplates, type NewEmailTemplate, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { leaves, startMessaging } from '../testing/messaging.js';

describe('email templates', () => {
  let messaging: TestService;
  let robin: Principal;
  let admin: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person();
    admin = await messaging.person({ accountId: robin.accountId, name: 'Kim Example', roles: ['admin'] });
  });
  const make = (more: Partial<NewEmailTemplate> = {}) =>
    messaging.call(robin, emailTemplates.create, {
      body: { name: 'Offer', subject: 'Our offer', body: 'As we have agreed', ...more },
    });
  const read = (by: Principal, id: string) => messaging.call(by, emailTemplates.get, { params: { id } });
  const listed = async (by: Principal, query = {}) => (await messaging.call(by, emailTemplates.list, { query })).items;

  it('that are shared are visible to everyone in the account', async () => {
    const shared = await make({ visibility: 'shared' });
    expect(shared).toMatchObject({ subject: 'Our offer', ownerId: robin.userId, owner: { name: 'Robin Example' } });
    expect(await read(admin, shared.id)).toEqual(shared);
    expect(await listed(admin, { ownerId: robin.userId })).toEqual([shared]);
    const stranger = await messaging.person();
    await expect(read(stranger, shared.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are private by default, and then visible only to their owner, not even to an admin', async () => {
    const mine = await make();
    expect(mine.visibility).toBe('private');
    expect(await listed(robin)).toEqual([mine]);
    expect(await read(robin, mine.id)).toEqual(mine);
    for (const query of [{}, { ownerId: robin.userId }, { visibility: 'private' }])
      expect(await listed(admin, query)).toEqual([]);
    await expect(read(admin, mine.id)).rejects.toMatchObject({ code: 'not-found' });
    const removal = messaging.call(admin, emailTemplates.remove, { params: { id: mine.id } });
    await expect(removal).rejects.toMatchObject({ code: 'not-found' });
    await messaging.call(robin, emailTemplates.remove, { params: { id: mine.id } });
    expect(await listed(robin)).toEqual([]);
  });

  it('that are shared keep an owner who has left, and new ones cannot have an owner who has left', async () => {
    const { id } = await make({ visibility: 'shared' });
    await leaves(messaging, robin, 'deleted');
    expect(await read(admin, id)).toMatchObject({ owner: { name: 'Deleted user', status: 'deleted' } });
    for (const visibility of ['shared', 'private'] as const)
      await expect(make({ visibility, ownerId: robin.userId })).rejects.toMatchObject({ code: 'inactive-user' });
  });
});
