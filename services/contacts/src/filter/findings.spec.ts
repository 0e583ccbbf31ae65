import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  contacts,
  filters,
  filtersContacts,
  filtersRecords,
  records,
  type NewFilterCondition,
  type Principal,
} from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { startContacts } from '../testing/contacts.js';

describe('the result of a filter', () => {
  let service: TestService;
  let robin: Principal;
  let olu: Principal;
  beforeAll(async () => {
    service = await startContacts();
    robin = await service.person();
    olu = await service.person({ accountId: robin.accountId });
    const contact = async (name: string | null, email: string | null, by = robin) =>
      (await service.call(by, contacts.create, { body: { name, email } })).id;
    const record = (
      type: 'lead' | 'deal',
      title: string,
      contactId: string | null,
      owner: Principal | null,
      by = robin,
    ) => service.call(by, records.create, { body: { type, title, contactId, ownerId: owner && owner.userId } });
    const [ada, bob] = [await contact('Ada', 'ada@example.com'), await contact('Bob', null)];
    await contact(null, 'nobody@example.com');
    await record('deal', '100% chairs', ada, robin);
    await record('lead', 'Tables', ada, olu);
    await record('lead', 'Lamps', bob, robin);
    await record('deal', 'Beds', null, null);
    const stranger = await service.person();
    const theirs = await contact('Ada', 'ada@example.com', stranger);
    await record('deal', 'Chairs', theirs, stranger, stranger);
  });
  afterAll(() => service.stop());

  const filterWith = async (conditions: NewFilterCondition[]) =>
    (await service.call(robin, filters.create, { body: { name: 'Mine', conditions } })).id;
  const namesBy = async (...conditions: NewFilterCondition[]) => {
    const params = { id: await filterWith(conditions) };
    const { items } = await service.call(robin, filtersContacts, { params });
    return items.map(({ name }) => name);
  };
  const titlesBy = async (...conditions: NewFilterCondition[]) => {
    const params = { id: await filterWith(conditions) };
    const { items } = await service.call(robin, filtersRecords, { params });
    return items.map(({ title }) => title);
  };

  it('is everything in the account, newest first, without conditions', async () => {
    expect(await namesBy()).toEqual([null, 'Bob', 'Ada']);
    expect(await titlesBy()).toEqual(['Beds', 'Lamps', 'Tables', '100% chairs']);
  });

  it('compares text without regard to case: is, is not, contains, is empty', async () => {
    expect(await namesBy({ field: 'name', op: 'is', value: 'ADA' })).toEqual(['Ada']);
    expect(await namesBy({ field: 'name', op: 'is-not', value: 'ada' })).toEqual([null, 'Bob']);
    expect(await namesBy({ field: 'email', op: 'contains', value: 'A@Example' })).toEqual(['Ada']);
    expect(await namesBy({ field: 'email', op: 'is-empty' })).toEqual(['Bob']);
    expect(await titlesBy({ field: 'title', op: 'contains', value: '%' })).toEqual(['100% chairs']);
  });

  it('is limited by type, and by owner: a user, any other user, or nobody', async () => {
    expect(await titlesBy({ field: 'type', op: 'is', value: 'deal' })).toEqual(['Beds', '100% chairs']);
    expect(await titlesBy({ field: 'ownerId', op: 'is', value: robin.userId })).toEqual(['Lamps', '100% chairs']);
    expect(await titlesBy({ field: 'ownerId', op: 'is-not', value: robin.userId })).toEqual(['Beds', 'Tables']);
    expect(await titlesBy({ field: 'ownerId', op: 'is-empty' })).toEqual(['Beds']);
  });

  it('matches all conditions', async () => {
    const mine = { field: 'ownerId', op: 'is', value: robin.userId } as const;
    expect(await titlesBy(mine, { field: 'type', op: 'is', value: 'lead' })).toEqual(['Lamps']);
  });

  it('contains contacts with one record that matches all record conditions, and records whose contact matches', async () => {
    const lead = { field: 'type', op: 'is', value: 'lead' } as const;
    expect(await namesBy(lead)).toEqual(['Bob', 'Ada']);
    expect(await namesBy(lead, { field: 'ownerId', op: 'is', value: olu.userId })).toEqual(['Ada']);
    expect(await namesBy(lead, { field: 'title', op: 'contains', value: 'chairs' })).toEqual([]);
    expect(await titlesBy(lead, { field: 'name', op: 'is', value: 'Ada' })).toEqual(['Tables']);
  });

  it('comes page by page', async () => {
    const params = { id: await filterWith([]) };
    const first = await service.call(robin, filtersContacts, { params, query: { limit: 2 } });
    expect(first.items.map(({ name }) => name)).toEqual([null, 'Bob']);
    const query = { limit: 2, cursor: first.nextCursor! };
    expect(await service.call(robin, filtersContacts, { params, query })).toMatchObject({
      items: [{ name: 'Ada', assignee: null }],
      nextCursor: null,
    });
  });
});
