import { beforeAll, beforeEach, afterAll, describe, expect, it } from '@jest/globals';
import { ContactChanges, contacts, fieldTypes, NewContact, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { startContacts } from '../testing/contacts.js';
import { Contact } from './contact.entity.js';

describe('contacts', () => {
  let service: TestService;
  let robin: Principal;
  beforeAll(async () => {
    service = await startContacts();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    robin = await service.person();
  });

  const ada = { externalId: 'A-1', name: 'Ada', phone: '+14155550100', email: 'ada@example.com' };

  async function assignedTo({ accountId, userId }: Pick<Principal, 'accountId' | 'userId'>): Promise<string> {
    const em = service.em();
    const id = service.ids.next();
    em.create(Contact, { id, accountId, externalId: id, assignee: userId, createdAt: service.clock.now() });
    await em.flush();
    return id;
  }

  it('have no assignee at first', async () => {
    const made = await service.call(robin, contacts.create, { body: ada });
    expect(made).toMatchObject({ ...ada, assignee: null });
    expect(await service.call(robin, contacts.get, { params: { id: made.id } })).toEqual(made);
  });

  it('cannot be assigned by creating or changing them', async () => {
    for (const type of [NewContact, ContactChanges]) expect([...fieldTypes(type).keys()]).not.toContain('assignee');
    const body = { ...ada, assignee: robin.userId };
    const made = await service.call(robin, contacts.create, { body });
    expect(made.assignee).toBeNull();
    const changed = await service.call(robin, contacts.update, { params: { id: made.id }, body });
    expect(changed.assignee).toBeNull();
  });

  it('have an external id that no other contact of the account has', async () => {
    await service.call(robin, contacts.create, { body: ada });
    await expect(service.call(robin, contacts.create, { body: ada })).rejects.toMatchObject({ code: 'conflict' });
    await service.call(await service.person(), contacts.create, { body: ada });
  });

  it('can be changed field by field: name, phone and email', async () => {
    const { id } = await service.call(robin, contacts.create, { body: ada });
    const body = { name: 'Ada L.', email: null };
    const changed = await service.call(robin, contacts.update, { params: { id }, body });
    expect(changed).toMatchObject({ ...ada, name: 'Ada L.', email: null });
    expect(await service.call(robin, contacts.get, { params: { id } })).toEqual(changed);
    const stranger = await service.person();
    await expect(service.call(stranger, contacts.update, { params: { id }, body })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('are listed by assignee, without assignee, and by external id', async () => {
    const other = await service.person({ accountId: robin.accountId, name: 'Olu Example' });
    const [mine, theirs] = [await assignedTo(robin), await assignedTo(other)];
    const { id: unassigned } = await service.call(robin, contacts.create, { body: ada });
    const listed = async (query: object) =>
      (await service.call(robin, contacts.list, { query })).items.map((contact) => contact.id);
    expect(await listed({ assignee: 'me' })).toEqual([mine]);
    expect(await listed({ assignee: other.userId })).toEqual([theirs]);
    expect(await listed({ assignee: 'none' })).toEqual([unassigned]);
    expect(await listed({ externalId: 'A-1' })).toEqual([unassigned]);
    expect(await listed({})).toEqual([unassigned, theirs, mine]);
  });

  it('show their assignee as the directory does', async () => {
    const gone = await service.person({ accountId: robin.accountId, status: 'deleted' });
    const id = await assignedTo(gone);
    const { assignee } = await service.call(robin, contacts.get, { params: { id } });
    expect(assignee).toEqual({ id: gone.userId, name: 'Deleted user', status: 'deleted' });
  });
});
