import { beforeAll, beforeEach, afterAll, describe, expect, it } from '@jest/globals';
import { previewOf, segments, segmentsCopy, segmentsUse, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { startContacts } from '../testing/contacts.js';

describe('segments', () => {
  let service: TestService;
  let robin: Principal;
  let olu: Principal;
  beforeAll(async () => {
    service = await startContacts();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    robin = await service.person({ roles: ['admin'] });
    olu = await service.person({ accountId: robin.accountId, name: 'Olu Example' });
  });

  const definition = { city: 'Lagos' };
  const make = (name = 'Hot leads') => service.call(robin, segments.create, { body: { name, definition } });

  it('belong to their creator', async () => {
    const made = await make();
    expect(made).toMatchObject({ name: 'Hot leads', definition, ownerId: robin.userId, usedBy: [] });
    expect(await service.call(olu, segments.get, { params: { id: made.id } })).toEqual(made);
  });

  it('belong to the user who copies them, and copying counts as a use', async () => {
    const { id } = await make();
    const copy = await service.call(olu, segmentsCopy, { params: { id } });
    expect(copy).toMatchObject({ name: 'Hot leads (copy)', definition, ownerId: olu.userId, usedBy: [] });
    const named = await service.call(robin, segmentsCopy, { params: { id }, body: { name: 'Mine too' } });
    expect(named).toMatchObject({ name: 'Mine too', ownerId: robin.userId });
    const { usedBy } = await service.call(robin, segments.get, { params: { id } });
    expect(usedBy).toEqual([{ id: olu.userId, name: 'Olu Example', status: 'active' }]);
  });

  it('keep whole characters when the name of a copy has to be cut', async () => {
    const nameOfCopy = async (name: string) => {
      const { id } = await make(name);
      return (await service.call(robin, segmentsCopy, { params: { id } })).name;
    };
    expect(await nameOfCopy(`${'x'.repeat(192)}😀 and more`)).toBe(`${'x'.repeat(192)}😀 (copy)`);
    expect(await nameOfCopy(`${'x'.repeat(190)}👨‍👩‍👧 and so on`)).toBe(`${'x'.repeat(190)} (copy)`);
    expect(await nameOfCopy('😀'.repeat(200))).toBe(`${'😀'.repeat(193)} (copy)`);
  });

  it('list each user once, except the owner', async () => {
    const { id } = await make();
    for (const caller of [robin, olu, olu]) await service.call(caller, segmentsUse, { params: { id } });
    const { items } = await service.call(robin, segments.list);
    expect(items.map(({ usedBy }) => usedBy.map((user) => user.id))).toEqual([[olu.userId]]);
  });

  it('cannot be copied or used by another account or by a user who has left', async () => {
    const { id } = await make();
    const stranger = await service.person();
    const gone = await service.person({ accountId: robin.accountId, status: 'deactivated' });
    for (const operation of [segmentsCopy, segmentsUse]) {
      await expect(service.call(stranger, operation, { params: { id } })).rejects.toMatchObject({ code: 'not-found' });
      await expect(service.call(gone, operation, { params: { id } })).rejects.toMatchObject({ code: 'inactive-user' });
    }
  });

  it('can be removed while in use', async () => {
    const { id } = await make();
    await service.call(olu, segmentsUse, { params: { id } });
    await service.call(robin, segments.remove, { params: { id } });
    await expect(service.call(robin, segments.get, { params: { id } })).rejects.toMatchObject({ code: 'not-found' });
  });

  describe('in the preview of a departure', () => {
    const preview = async (action: 'keep' | 'delete') => {
      const rules = { 'contacts.segments': { deleted: { action } } };
      const facts = { activeSince: 1, wasManager: false, rules, steps: ['deleted' as const] };
      const [line] = await service.client.ask(previewOf('contacts'), {
        accountId: robin.accountId,
        userId: robin.userId,
        ...facts,
      });
      return line!;
    };

    it('are listed with their users, who can copy them before the deletion', async () => {
      await make('Cold leads');
      const { id } = await make('Hot leads');
      const gone = await service.person({ accountId: robin.accountId, status: 'deleted', name: 'Secret Name' });
      await service.call(olu, segmentsUse, { params: { id } });
      await service
        .em()
        .getKysely()
        .insertInto('segment_use' as never)
        .values({ segment_id: id, user_id: gone.userId, used_at: service.clock.now() })
        .execute();
      const { count, detail, warning } = await preview('delete');
      expect({ count, warning }).toEqual({ count: 2, warning: true });
      expect(detail).toContain('“Hot leads” (used by Olu Example); “Cold leads”');
      expect(detail).toContain('copy');
    });

    it('are only counted if they stay', async () => {
      await make();
      expect(await preview('keep')).toMatchObject({ count: 1 });
      expect(await preview('keep')).not.toHaveProperty('detail');
    });
  });
});
