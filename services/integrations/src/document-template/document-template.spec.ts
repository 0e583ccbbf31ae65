import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { documents, documentTemplates, documentTemplateUse, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { aStorage, leaves, returns, startIntegrations } from '../testing/integrations.js';

describe('document templates', () => {
  let integrations: TestService;
  let robin: Principal;
  let kim: Principal;
  let lee: Principal;
  let storageId: string;
  beforeAll(async () => {
    integrations = await startIntegrations();
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    robin = await integrations.person();
    const { accountId } = robin;
    kim = await integrations.person({ accountId, name: 'Kim Example' });
    lee = await integrations.person({ accountId, name: 'Lee Example', roles: ['admin'] });
    storageId = (await aStorage(integrations, robin, [robin.userId, kim.userId, lee.userId])).id;
  });

  const create = (more: object = {}) =>
    integrations.call(robin, documentTemplates.create, { body: { title: 'Contract', storageId, ...more } });
  const update = (who: Principal, id: string, body: object) =>
    integrations.call(who, documentTemplates.update, { params: { id }, body });
  const use = (who: Principal, id: string, body: object = {}) =>
    integrations.call(who, documentTemplateUse, { params: { id }, body });
  const list = async (who: Principal) => (await integrations.call(who, documentTemplates.list)).items;
  const forbidden = { code: 'forbidden' };
  const absent = { code: 'not-found' };

  it('create a document owned by the user who uses them', async () => {
    const { id } = await create({ grantedUserIds: [kim.userId] });
    const dealId = integrations.ids.next();
    const made = await use(kim, id, { dealId });
    expect(made).toMatchObject({
      title: 'Contract',
      storageId,
      dealId,
      ownerId: kim.userId,
      owner: { id: kim.userId },
    });
    expect(await integrations.call(kim, documents.get, { params: { id: made.id } })).toEqual(made);
    expect(await use(robin, id, { title: 'For Acme' })).toMatchObject({ title: 'For Acme', dealId: null });
  });

  it('can be used by their owner and by users with permission', async () => {
    const made = await create({ grantedUserIds: [kim.userId, robin.userId] });
    expect(made).toMatchObject({ grantedUserIds: [kim.userId], grantedUsers: [{ name: 'Kim Example' }] });
    expect(await list(robin)).toEqual([made]);
    expect(await list(kim)).toEqual([made]);
    expect(await list(lee)).toEqual([]);
    await expect(use(lee, made.id)).rejects.toMatchObject(absent);
    await expect(integrations.call(lee, documentTemplates.get, { params: { id: made.id } })).rejects.toMatchObject(
      absent,
    );
  });

  it('also need access to the storage', async () => {
    const own = await aStorage(integrations, robin);
    const { id } = await create({ storageId: own.id, grantedUserIds: [kim.userId] });
    await expect(use(kim, id)).rejects.toMatchObject(absent);
    expect(await list(kim)).toEqual([]);
    const elsewhere = await aStorage(integrations, kim);
    await expect(create({ storageId: elsewhere.id })).rejects.toMatchObject(forbidden);
  });

  it('get and lose permissions only through their owner', async () => {
    const { id } = await create({ grantedUserIds: [kim.userId] });
    await expect(update(kim, id, { grantedUserIds: [lee.userId] })).rejects.toMatchObject(forbidden);
    await expect(update(lee, id, { grantedUserIds: [lee.userId] })).rejects.toMatchObject(absent);
    const changed = await update(robin, id, { title: 'New', grantedUserIds: [lee.userId] });
    expect(changed).toMatchObject({ title: 'New', grantedUserIds: [lee.userId] });
    await expect(use(kim, id)).rejects.toMatchObject(absent);
    expect(await update(robin, id, { title: 'Newer' })).toMatchObject({ grantedUserIds: [lee.userId] });
    expect(await update(robin, id, { grantedUserIds: [] })).toMatchObject({ grantedUserIds: [] });
    await leaves(integrations, lee);
    await expect(update(robin, id, { grantedUserIds: [lee.userId] })).rejects.toMatchObject({ code: 'inactive-user' });
    await expect(create({ grantedUserIds: [lee.userId] })).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it.each(['deactivated', 'deleted'] as const)(
    'of a %s user can still be used by permitted users, but by no new ones',
    async (transition) => {
      const { id } = await create({ grantedUserIds: [kim.userId] });
      await leaves(integrations, robin, transition);
      expect(await use(kim, id)).toMatchObject({ ownerId: kim.userId });
      await expect(use(lee, id)).rejects.toMatchObject(absent);
      const tooLate = { code: 'conflict', details: { items: [robin.userId] } };
      for (const who of [robin, kim])
        await expect(update(who, id, { grantedUserIds: [kim.userId, lee.userId] })).rejects.toMatchObject(tooLate);
      expect(await list(kim)).toMatchObject([{ owner: { status: transition }, grantedUserIds: [kim.userId] }]);
    },
  );

  it('are handed over by their owner to a user with access to the storage, who then gives permission', async () => {
    const { id } = await create({ grantedUserIds: [kim.userId] });
    const stranger = await integrations.person({ accountId: robin.accountId });
    await expect(update(robin, id, { ownerId: stranger.userId })).rejects.toMatchObject(forbidden);
    expect(await update(robin, id, { ownerId: kim.userId })).toMatchObject({ ownerId: kim.userId, grantedUserIds: [] });
    await expect(update(robin, id, { title: 'Mine' })).rejects.toMatchObject(absent);
    const given = await update(kim, id, { grantedUserIds: [robin.userId] });
    expect(given).toMatchObject({ grantedUserIds: [robin.userId] });
  });

  it('can get new permissions from an owner who returns', async () => {
    const { id } = await create();
    await leaves(integrations, robin);
    await returns(integrations, robin);
    await update(robin, id, { grantedUserIds: [lee.userId] });
    expect(await use(lee, id)).toMatchObject({ ownerId: lee.userId });
  });
});
