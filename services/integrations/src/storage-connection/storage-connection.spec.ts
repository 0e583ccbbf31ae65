import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { documents, storageConnections, storageConnectionUpdate, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { aDocument, aStorage, leaves, startIntegrations } from '../testing/integrations.js';

describe('storage connections', () => {
  let integrations: TestService;
  let robin: Principal;
  let kim: Principal;
  let admin: Principal;
  beforeAll(async () => {
    integrations = await startIntegrations();
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    robin = await integrations.person();
    kim = await integrations.person({ accountId: robin.accountId, name: 'Kim Example' });
    admin = await integrations.person({ accountId: robin.accountId, roles: ['admin'] });
  });

  const update = (who: Principal, id: string, userIds: string[]) =>
    integrations.call(who, storageConnectionUpdate, { params: { id }, body: { userIds } });

  it('give access to the caller unless other users are given', async () => {
    const own = await aStorage(integrations, robin);
    expect(own).toMatchObject({ provider: 'google-drive', userIds: [robin.userId] });
    const named = await aStorage(integrations, robin, [kim.userId]);
    expect(named).toMatchObject({ users: [{ id: kim.userId, name: 'Kim Example', status: 'active' }] });
    expect((await integrations.call(admin, storageConnections.list)).items).toEqual([named, own]);
  });

  it('can be shared by users with access and by managers', async () => {
    const { id } = await aStorage(integrations, robin);
    await expect(update(kim, id, [kim.userId])).rejects.toMatchObject({ code: 'forbidden' });
    expect(await update(robin, id, [robin.userId, kim.userId])).toMatchObject({ userIds: [robin.userId, kim.userId] });
    expect(await update(kim, id, [kim.userId])).toMatchObject({ userIds: [kim.userId] });
    expect(await update(admin, id, [])).toMatchObject({ userIds: [] });
  });

  it('refuse new users who have left, and keep those who had access', async () => {
    const { id } = await aStorage(integrations, robin, [robin.userId, admin.userId]);
    await leaves(integrations, robin, 'deleted');
    await leaves(integrations, kim);
    const userIds = [robin.userId, admin.userId];
    expect(await update(admin, id, userIds)).toMatchObject({ users: [{ name: 'Deleted user' }, { id: admin.userId }] });
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(update(admin, id, [...userIds, kim.userId])).rejects.toMatchObject(refused);
    await expect(aStorage(integrations, admin, [kim.userId])).rejects.toMatchObject(refused);
  });

  it('cannot be removed while they host documents', async () => {
    const document = await aDocument(integrations, robin);
    const remove = () => integrations.call(robin, storageConnections.remove, { params: { id: document.storageId } });
    await expect(remove()).rejects.toMatchObject({ code: 'conflict' });
    await integrations.call(robin, documents.remove, { params: { id: document.id } });
    await remove();
    expect((await integrations.call(robin, storageConnections.list)).items).toEqual([]);
  });
});
