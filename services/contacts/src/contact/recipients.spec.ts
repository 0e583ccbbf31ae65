import { beforeAll, beforeEach, afterAll, describe, expect, it } from '@jest/globals';
import { contactsFor, segments, type Principal, type RecipientsWanted } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { startContacts } from '../testing/contacts.js';
import { Contact } from './contact.entity.js';

describe('recipients of messages', () => {
  let service: TestService;
  let robin: Principal;
  beforeAll(async () => {
    service = await startContacts();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    robin = await service.person();
  });

  const ask = (wanted: Partial<RecipientsWanted>) =>
    service.client.ask(contactsFor, { accountId: robin.accountId, limit: 10, ...wanted });
  const ids = async (wanted: Partial<RecipientsWanted>) => (await ask(wanted)).contacts.map(({ id }) => id);
  async function add(more: { name?: string; phone?: string; assignee?: string; accountId?: string } = {}) {
    const em = service.em();
    const id = service.ids.next();
    em.create(Contact, { id, accountId: robin.accountId, createdAt: service.clock.now(), ...more });
    await em.flush();
    return id;
  }

  it('are returned with number and assignee', async () => {
    const id = await add({ phone: '+14155550100', assignee: robin.userId });
    const without = await add();
    expect(await ask({ contactIds: [without, id] })).toEqual({
      contacts: [
        { id, phone: '+14155550100', assigneeId: robin.userId },
        { id: without, phone: null, assigneeId: null },
      ],
      next: null,
      definition: null,
    });
    expect(await ids({ contactIds: [without, id], assignee: robin.userId })).toEqual([id]);
  });

  it('do not include contacts that do not exist or belong to another account', async () => {
    const foreign = await add({ accountId: service.ids.next() });
    expect(await ids({ contactIds: [foreign, service.ids.next()] })).toEqual([]);
  });

  it('of a segment are the contacts that match all fields of its definition', async () => {
    const ada = await add({ name: 'Ada', phone: '+14155550100' });
    const other = await add({ name: 'Ada', phone: '+14155550111' });
    const grace = await add({ name: 'Grace', phone: '+14155550100' });
    const fits = async (definition: Record<string, unknown>) => {
      const { id } = await service.call(robin, segments.create, { body: { name: 'Some', definition } });
      const answer = await ask({ segmentId: id });
      expect(answer.definition).toEqual(definition);
      expect(await ids({ definition })).toEqual(answer.contacts.map((contact) => contact.id));
      return answer.contacts.map((contact) => contact.id);
    };
    expect(await fits({ name: 'Ada' })).toEqual([ada, other]);
    expect(await fits({ name: 'Ada', phone: '+14155550100' })).toEqual([ada]);
    expect(await fits({ name: ['Ada', 'Grace'], phone: '+14155550100' })).toEqual([ada, grace]);
    expect(await fits({ email: null })).toEqual([ada, other, grace]);
    expect(await fits({})).toEqual([ada, other, grace]);
    expect(await fits({ city: 'Lagos' })).toEqual([]);
    expect(await fits({ name: { like: 'A' } })).toEqual([]);
    await expect(ask({ segmentId: service.ids.next() })).rejects.toMatchObject({ code: 'unknown-reference' });
  });

  it('come page by page', async () => {
    const all = [await add(), await add(), await add()];
    const first = await ask({ definition: {}, limit: 2 });
    expect([first.contacts.map(({ id }) => id), first.next]).toEqual([all.slice(0, 2), all[1]]);
    const second = await ask({ definition: {}, limit: 2, after: first.next });
    expect([second.contacts.map(({ id }) => id), second.next]).toEqual([all.slice(2), null]);
  });
});
