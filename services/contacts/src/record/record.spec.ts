import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { contacts, RECORD_TYPES, records, type NewCrmRecord, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { leaves, returns } from '../testing/leaving.js';
import { startContacts } from '../testing/contacts.js';

describe('records', () => {
  let service: TestService;
  let robin: Principal;
  let olu: Principal;
  beforeAll(async () => {
    service = await startContacts();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    robin = await service.person();
    olu = await service.person({ accountId: robin.accountId, roles: ['admin'], name: 'Olu Example' });
  });

  const make = (more: Partial<NewCrmRecord> = {}, by = robin) =>
    service.call(by, records.create, { body: { type: 'deal', title: 'Ten chairs', ...more } });
  const change = (id: string, body: object, by = olu) => service.call(by, records.update, { params: { id }, body });
  const read = (id: string, by = olu) => service.call(by, records.get, { params: { id } });
  const listed = async (query: object) => (await service.call(olu, records.list, { query })).items.map(({ id }) => id);

  it('belong to their creator by default, to another user if named, or to nobody', async () => {
    const owner = { id: robin.userId, name: 'Robin Example', status: 'active' };
    const made = await make();
    expect(made).toMatchObject({ type: 'deal', title: 'Ten chairs', ownerId: robin.userId, owner, contactId: null });
    expect(await read(made.id)).toEqual(made);
    expect(await make({ ownerId: olu.userId })).toMatchObject({ owner: { name: 'Olu Example' } });
    expect(await make({ ownerId: null })).toMatchObject({ ownerId: null, owner: null });
  });

  it('can refer to a contact of the account, and stay when it is removed', async () => {
    const { id: contactId } = await service.call(robin, contacts.create, { body: { name: 'Ada' } });
    const { id } = await make({ contactId });
    expect(await listed({ contactId })).toEqual([id]);
    await service.call(robin, contacts.remove, { params: { id: contactId } });
    expect(await read(id)).toMatchObject({ contactId: null });
    await expect(make({ contactId })).rejects.toMatchObject({ code: 'unknown-reference' });
    const { id: elsewhere } = await service.call(await service.person(), contacts.create, { body: {} });
    await expect(make({ contactId: elsewhere })).rejects.toMatchObject({ code: 'unknown-reference' });
  });

  it('are listed by type and by owner', async () => {
    const [lead, deal] = [await make({ type: 'lead' }), await make()];
    const unowned = await make({ type: 'lead', ownerId: null });
    expect(await listed({ type: 'lead' })).toEqual([unowned.id, lead.id]);
    expect(await listed({ ownerId: robin.userId })).toEqual([deal.id, lead.id]);
    expect(await listed({ ownerId: robin.userId, type: 'deal' })).toEqual([deal.id]);
    expect(await listed({ ownerId: 'none' })).toEqual([unowned.id]);
    expect(await listed({ ownerId: 'me' })).toEqual([]);
  });

  it('can be renamed and given to another user, but not to one who has left', async () => {
    const { id } = await make();
    expect(await change(id, { title: 'Twelve chairs' })).toMatchObject({
      title: 'Twelve chairs',
      ownerId: robin.userId,
    });
    expect(await change(id, { ownerId: olu.userId })).toMatchObject({
      title: 'Twelve chairs',
      owner: { id: olu.userId },
    });
    for (const status of ['deactivated', 'deleted'] as const) {
      const { userId: ownerId } = await service.person({ accountId: robin.accountId, status });
      await expect(change(id, { ownerId })).rejects.toMatchObject({ code: 'inactive-user' });
      await expect(make({ ownerId })).rejects.toMatchObject({ code: 'inactive-user' });
    }
    expect(await change(id, { ownerId: null })).toMatchObject({ owner: null });
    await expect(change(id, { title: 'Mine' }, await service.person())).rejects.toMatchObject({ code: 'not-found' });
  });

  describe('of a leaver', () => {
    it('keep their owner, who is finally shown as a deleted user, and can always be given to another user', async () => {
      const [first, second] = [await make(), await make()];
      await leaves(service, robin, 'deactivated');
      expect(await read(first.id)).toMatchObject({ owner: { name: 'Robin Example', status: 'deactivated' } });
      expect(await change(first.id, { ownerId: olu.userId })).toMatchObject({ owner: { id: olu.userId } });
      await leaves(service, robin, 'deleted');
      expect(await read(second.id)).toMatchObject({
        ownerId: robin.userId,
        owner: { name: 'Deleted user', status: 'deleted' },
      });
      expect(await listed({ ownerId: robin.userId })).toEqual([second.id]);
      expect(await change(second.id, { title: 'Of old' })).toMatchObject({ owner: { name: 'Deleted user' } });
    });

    it('are counted by type in the receipt', async () => {
      for (const type of [...RECORD_TYPES, 'lead'] as const) await make({ type });
      const lines = await leaves(service, robin, 'deactivated');
      const counts = lines.flatMap(({ rule, part, action, affected }) =>
        rule === 'contacts.records' ? [[part, action, affected]] : [],
      );
      expect(counts).toEqual(RECORD_TYPES.map((type) => [type, 'keep', type === 'lead' ? 2 : 1]));
    });

    it('go to a successor or to nobody if the policy says so', async () => {
      const { id } = await make();
      const transfer = { 'contacts.records': { deactivated: { action: 'transfer', to: olu.userId } } } as const;
      await leaves(service, robin, 'deactivated', transfer);
      expect(await read(id)).toMatchObject({ owner: { id: olu.userId } });
      const kim = await service.person({ accountId: robin.accountId });
      const { id: kims } = await make({}, kim);
      await leaves(service, kim, 'deleted', { 'contacts.records': { deleted: { action: 'unassign' } } });
      expect(await read(kims)).toMatchObject({ ownerId: null, owner: null });
    });

    it('still belong to them after reactivation, and new ones can be given to them again', async () => {
      const { id } = await make();
      await leaves(service, robin, 'deactivated');
      await expect(make()).rejects.toMatchObject({ code: 'inactive-user' });
      await returns(service, robin);
      expect(await read(id)).toMatchObject({ owner: { id: robin.userId, status: 'active' } });
      await make({ ownerId: robin.userId }, olu);
    });
  });
});
