import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { comments, contacts, files, notes, records, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { leaves, returns } from '../testing/leaving.js';
import { startContacts } from '../testing/contacts.js';

let service: TestService;
let robin: Principal;
let olu: Principal;
let contactId: string;
beforeAll(async () => {
  service = await startContacts();
});
afterAll(() => service.stop());
beforeEach(async () => {
  robin = await service.person();
  olu = await service.person({ accountId: robin.accountId, roles: ['admin'] });
  contactId = (await service.call(robin, contacts.create, { body: { name: 'Ada' } })).id;
});

describe.each([
  ['notes', notes, { text: 'Asks for a discount' }],
  ['comments', comments, { text: 'Agreed' }],
  ['files', files, { name: 'offer.pdf' }],
] as const)('%s', (part, kind, content) => {
  const resource = kind as typeof notes;
  const write = (by: Principal, about: object) =>
    service.call(by, resource.create, { body: { ...content, ...about } as never });
  const read = (id: string) => service.call(olu, resource.get, { params: { id } });
  const listed = async (query: object) => (await service.call(olu, resource.list, { query })).items.map(({ id }) => id);

  it('are about a contact or a record, and are deleted with it', async () => {
    const { id: recordId } = await service.call(robin, records.create, { body: { type: 'deal', title: 'Chairs' } });
    const ofContact = await write(robin, { contactId });
    const ofRecord = await write(robin, { recordId });
    expect(ofContact).toMatchObject({ ...content, contactId, recordId: null, author: { id: robin.userId } });
    expect(await read(ofRecord.id)).toEqual(ofRecord);
    expect(await listed({ contactId })).toEqual([ofContact.id]);
    expect(await listed({ recordId })).toEqual([ofRecord.id]);
    await service.call(robin, records.remove, { params: { id: recordId } });
    await service.call(robin, contacts.remove, { params: { id: contactId } });
    expect(await listed({})).toEqual([]);
  });

  it('are about exactly one contact or record of the account', async () => {
    for (const about of [{}, { contactId, recordId: contactId }])
      await expect(write(robin, about)).rejects.toMatchObject({ code: 'validation' });
    const stranger = await service.person();
    for (const about of [{ contactId }, { recordId: contactId }])
      await expect(write(stranger, about)).rejects.toMatchObject({ code: 'unknown-reference' });
  });

  it('are by the caller, unless an admin names another author', async () => {
    const { id } = await write(olu, { contactId, author: robin.userId });
    expect(await read(id)).toMatchObject({ author: { id: robin.userId } });
    await write(robin, { contactId, author: robin.userId });
    await expect(write(robin, { contactId, author: olu.userId })).rejects.toMatchObject({ code: 'forbidden' });
    expect(await listed({ author: olu.userId })).toEqual([]);
    expect(await listed({ author: robin.userId })).toHaveLength(2);
  });

  it('keep their author when the author leaves, finally shown as a deleted user', async () => {
    const { id } = await write(robin, { contactId });
    const lines = await leaves(service, robin, 'deactivated');
    expect(lines.filter(({ rule }) => rule === 'contacts.writings').map((line) => [line.part, line.affected])).toEqual(
      ['note', 'comment', 'file'].map((each) => [each, `${each}s` === part ? 1 : 0]),
    );
    expect(await read(id)).toMatchObject({ author: { name: 'Robin Example', status: 'deactivated' } });
    await expect(write(robin, { contactId })).rejects.toMatchObject({ code: 'inactive-user' });
    await expect(write(olu, { contactId, author: robin.userId })).rejects.toMatchObject({ code: 'inactive-user' });
    await returns(service, robin);
    await write(robin, { contactId });
    await leaves(service, robin, 'deleted');
    expect(await read(id)).toMatchObject({ ...content, author: { name: 'Deleted user', status: 'deleted' } });
  });
});
