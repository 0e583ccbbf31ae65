import { webforms, type NewWebform, type Principal, type WebformChanges } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { leaves, startMessaging } from '../testing/messaging.js';

describe('web forms', () => {
  let messaging: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person({ roles: ['admin'] });
    kim = await messaging.person({ accountId: robin.accountId, name: 'Kim Example', roles: ['admin'] });
  });
  const make = (more: Partial<NewWebform> = {}) =>
    messaging.call(robin, webforms.create, { body: { name: 'Welcome', ...more } });
  const change = (by: Principal, id: string, body: WebformChanges) =>
    messaging.call(by, webforms.update, { params: { id }, body });

  it('name the caller by default, or another user, and can have a custom email address', async () => {
    const own = await make();
    expect(own).toMatchObject({ userId: robin.userId, user: { name: 'Robin Example' }, email: null });
    const other = await make({ userId: kim.userId, email: 'sales@example.com' });
    expect(other).toMatchObject({ userId: kim.userId, user: { name: 'Kim Example' }, email: 'sales@example.com' });
    expect((await messaging.call(robin, webforms.list)).items).toEqual([other, own]);
    expect((await messaging.call(robin, webforms.list, { query: { userId: kim.userId } })).items).toEqual([other]);
  });

  it('can be changed: name, email address and user independently', async () => {
    const { id } = await make({ email: 'robin@example.com' });
    expect(await change(kim, id, { email: 'sales@example.com' })).toMatchObject({
      name: 'Welcome',
      userId: robin.userId,
      email: 'sales@example.com',
    });
    const given = await change(kim, id, { userId: kim.userId });
    expect(given).toMatchObject({ email: 'sales@example.com', user: { name: 'Kim Example' } });
    expect(await change(kim, id, { name: 'Hello', email: null })).toEqual({ ...given, name: 'Hello', email: null });
    expect(await messaging.call(robin, webforms.get, { params: { id } })).toMatchObject({ name: 'Hello', email: null });
  });

  it.each(['deactivated', 'deleted'] as const)('cannot name a user who is %s', async (status) => {
    const { id } = await make();
    await leaves(messaging, kim, status);
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(make({ userId: kim.userId })).rejects.toMatchObject(refused);
    await expect(change(robin, id, { userId: kim.userId })).rejects.toMatchObject(refused);
    expect(await messaging.call(robin, webforms.get, { params: { id } })).toMatchObject({ userId: robin.userId });
  });

  it('are not visible to other accounts', async () => {
    const { id } = await make();
    const stranger = await messaging.person();
    await expect(change(stranger, id, { name: 'Mine' })).rejects.toMatchObject({ code: 'not-found' });
    expect((await messaging.call(stranger, webforms.list)).items).toEqual([]);
  });
});
