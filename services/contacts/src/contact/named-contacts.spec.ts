import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { contacts, contactsNamed } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { startContacts } from '../testing/contacts.js';

describe('contacts known by id', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startContacts();
  });
  afterAll(() => service.stop());

  it('are returned with name and number if they exist in the account', async () => {
    const robin = await service.person();
    const stranger = await service.person();
    const ada = { name: 'Ada', phone: '+14155550100' };
    const { id } = await service.call(robin, contacts.create, { body: ada });
    const { id: nameless } = await service.call(robin, contacts.create, { body: {} });
    const { id: foreign } = await service.call(stranger, contacts.create, { body: ada });
    const contactIds = [foreign, nameless, service.ids.next(), id];
    const named = await service.client.ask(contactsNamed, { accountId: robin.accountId, contactIds });
    expect(named.contacts).toEqual([
      { id, ...ada, assigneeId: null },
      { id: nameless, name: null, phone: null, assigneeId: null },
    ]);
  });
});
