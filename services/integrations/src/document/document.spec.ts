import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { documents, storageConnectionUpdate, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { aDocument, aStorage, leaves, returns, startIntegrations } from '../testing/integrations.js';

describe('documents', () => {
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

  const read = (who: Principal, id: string) => integrations.call(who, documents.get, { params: { id } });
  const edit = (who: Principal, id: string, body: object) =>
    integrations.call(who, documents.update, { params: { id }, body });
  const list = async (who: Principal) =>
    (await integrations.call(who, documents.list, { query: { ownerId: robin.userId } })).items;
  const forbidden = { code: 'forbidden' };
  const absent = { code: 'not-found' };

  it('can be viewed and edited by users with access to their storage', async () => {
    const storage = await aStorage(integrations, robin, [robin.userId, kim.userId]);
    const made = await aDocument(integrations, robin, { storageId: storage.id });
    expect(made).toMatchObject({ title: 'Offer', storageId: storage.id, dealId: null, owner: { id: robin.userId } });
    expect(await read(kim, made.id)).toEqual(made);
    expect(await list(kim)).toEqual([made]);
    const dealId = integrations.ids.next();
    expect(await edit(kim, made.id, { title: 'Final offer', dealId })).toMatchObject({ title: 'Final offer', dealId });
    expect(await edit(kim, made.id, { dealId: null })).toMatchObject({ title: 'Final offer', dealId: null });
  });

  it('are closed to all other users, including managers', async () => {
    const { id } = await aDocument(integrations, robin);
    for (const who of [kim, admin]) {
      await expect(read(who, id)).rejects.toMatchObject(absent);
      await expect(edit(who, id, { title: 'Mine' })).rejects.toMatchObject(absent);
      await expect(integrations.call(who, documents.remove, { params: { id } })).rejects.toMatchObject(absent);
      expect(await list(who)).toEqual([]);
    }
    const stranger = await integrations.person({ roles: ['owner'] });
    await expect(read(stranger, id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are hosted where their owner has access, in the same account', async () => {
    const { id: storageId } = await aStorage(integrations, kim);
    await expect(aDocument(integrations, robin, { storageId })).rejects.toMatchObject(forbidden);
    const stranger = await integrations.person();
    const theirs = await aStorage(integrations, stranger);
    const refused = { code: 'unknown-reference', details: { items: [theirs.id] } };
    await expect(aDocument(integrations, robin, { storageId: theirs.id })).rejects.toMatchObject(refused);
  });

  it.each([
    ['deactivated', 'Robin Example'],
    ['deleted', 'Deleted user'],
  ] as const)('of a %s user stay available to users with access to the storage', async (transition, name) => {
    const storage = await aStorage(integrations, robin, [robin.userId, kim.userId]);
    const { id } = await aDocument(integrations, robin, { storageId: storage.id });
    await leaves(integrations, robin, transition);
    expect(await read(kim, id)).toMatchObject({ owner: { id: robin.userId, name, status: transition } });
    expect(await edit(kim, id, { title: 'Go on' })).toMatchObject({ title: 'Go on' });
    await expect(read(admin, id)).rejects.toMatchObject(absent);
    const userIds = [kim.userId, admin.userId];
    await integrations.call(admin, storageConnectionUpdate, { params: { id: storage.id }, body: { userIds } });
    expect(await read(admin, id)).toMatchObject({ title: 'Go on' });
    await expect(
      aDocument(integrations, admin, { storageId: storage.id, ownerId: robin.userId }),
    ).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it('are available again to an owner who returns', async () => {
    const made = await aDocument(integrations, robin);
    await leaves(integrations, robin);
    await returns(integrations, robin);
    expect(await read(robin, made.id)).toEqual(made);
  });
});
