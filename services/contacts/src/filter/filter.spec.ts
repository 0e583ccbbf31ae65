import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  filters,
  filtersContacts,
  previewOf,
  type FilterField,
  type NewFilter,
  type NewFilterCondition,
  type Principal,
} from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { Contact } from '../contact/contact.entity.js';
import { leaves, returns } from '../testing/leaving.js';
import { startContacts } from '../testing/contacts.js';
import { FilterCondition } from './filter.entity.js';

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

const naming = ({ userId }: Principal, field: FilterField = 'assignee'): NewFilterCondition => ({
  field,
  op: 'is',
  value: userId,
});
const make = (by: Principal, more: Partial<NewFilter> = {}) =>
  service.call(by, filters.create, { body: { name: 'Close to me', visibility: 'public', ...more } });
const read = (id: string, by = olu) => service.call(by, filters.get, { params: { id } });
const change = (id: string, body: object, by = olu) => service.call(by, filters.update, { params: { id }, body });
const listed = async (by: Principal, query: object = {}) =>
  (await service.call(by, filters.list, { query })).items.map(({ id }) => id);
const found = async (id: string) => (await service.call(olu, filtersContacts, { params: { id } })).items;

async function contactOf({ accountId, userId }: Principal): Promise<string> {
  const em = service.em();
  const id = service.ids.next();
  em.create(Contact, { id, accountId, assignee: userId, createdAt: service.clock.now() });
  await em.flush();
  return id;
}

describe('a filter', () => {
  it('that is public is visible to the whole account', async () => {
    const conditions = [naming(olu), { field: 'name', op: 'contains', value: 'ada' }] as const;
    const made = await make(robin, { conditions: [...conditions] });
    expect(made).toMatchObject({
      name: 'Close to me',
      visibility: 'public',
      owner: { id: robin.userId },
      matchesNobody: false,
      conditions: [
        { ...conditions[0], user: { id: olu.userId, name: 'Olu Example', status: 'active' }, matchesNobody: false },
        { ...conditions[1], user: null, matchesNobody: false },
      ],
    });
    expect(await read(made.id)).toEqual(made);
    expect(await listed(olu)).toEqual([made.id]);
    await expect(read(made.id, await service.person())).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is private by default, and then visible only to its owner', async () => {
    const { id, visibility } = await make(robin, { visibility: undefined });
    expect(visibility).toBe('private');
    const theirs = await make(olu);
    expect(await listed(robin)).toEqual([theirs.id, id]);
    expect(await listed(robin, { ownerId: 'me' })).toEqual([id]);
    expect(await listed(olu, { ownerId: robin.userId })).toEqual([]);
    const others = [
      () => read(id),
      () => change(id, { name: 'Mine' }),
      () => found(id),
      () => service.call(olu, filters.remove, { params: { id } }),
    ];
    for (const attempt of others) await expect(attempt()).rejects.toMatchObject({ code: 'not-found' });
    await service.call(robin, filters.remove, { params: { id } });
  });

  it('accepts only operators and values that fit the field', async () => {
    const invalid: [NewFilterCondition, field: string][] = [
      [{ field: 'ownerId', op: 'contains', value: 'Robin' }, 'op'],
      [{ field: 'type', op: 'contains', value: 'le' }, 'op'],
      [{ field: 'ownerId', op: 'is', value: 'Robin' }, 'value'],
      [{ field: 'type', op: 'is', value: 'chair' }, 'value'],
      [{ field: 'name', op: 'is' }, 'value'],
      [{ field: 'name', op: 'is-empty', value: 'Ada' }, 'value'],
    ];
    for (const [condition, field] of invalid) {
      const attempt = make(robin, { conditions: [naming(olu), condition] });
      await expect(attempt).rejects.toMatchObject({
        code: 'validation',
        details: { errors: [{ field: `conditions.1.${field}` }] },
      });
    }
  });

  it('is removed together with its conditions', async () => {
    const { id } = await make(robin, { conditions: [naming(olu)] });
    await service.call(olu, filters.remove, { params: { id } });
    expect(await service.em().count(FilterCondition, { filterId: id })).toBe(0);
  });
});

describe('a condition that names a user', () => {
  it.each(['deactivated', 'deleted'] as const)('cannot be added once they are %s', async (status) => {
    const gone = await service.person({ accountId: robin.accountId, status });
    const { id } = await make(robin);
    for (const field of ['assignee', 'ownerId'] as const) {
      const conditions = [naming(gone, field)];
      await expect(make(robin, { conditions })).rejects.toMatchObject({ code: 'inactive-user' });
      await expect(change(id, { conditions })).rejects.toMatchObject({ code: 'inactive-user' });
    }
    expect(await read(id)).toMatchObject({ conditions: [] });
  });

  it('stays when they are deactivated, and still finds their contacts', async () => {
    const contactId = await contactOf(robin);
    const { id } = await make(olu, { conditions: [naming(robin)] });
    await leaves(service, robin, 'deactivated');
    expect(await read(id)).toMatchObject({
      matchesNobody: false,
      conditions: [{ user: { name: 'Robin Example', status: 'deactivated' } }],
    });
    expect(await found(id)).toMatchObject([{ id: contactId }]);
    const more = { field: 'name', op: 'is-empty' };
    expect(await change(id, { name: 'Of old', conditions: [naming(robin), more] })).toMatchObject({
      name: 'Of old',
      conditions: [{ value: robin.userId }, more],
    });
    await expect(change(id, { conditions: [{ ...naming(robin), op: 'is-not' }] })).rejects.toMatchObject({
      code: 'inactive-user',
    });
    await returns(service, robin);
    await make(olu, { conditions: [naming(robin)] });
  });

  it.each(['is', 'is-not'] as const)(
    'finds nothing, and the filter shows this, once they are deleted (%s)',
    async (op) => {
      await contactOf(robin);
      await contactOf(olu);
      const { id } = await make(olu, { conditions: [{ ...naming(robin), op }] });
      expect(await found(id)).toHaveLength(1);
      await leaves(service, robin, 'deleted');
      expect(await read(id)).toMatchObject({
        matchesNobody: true,
        conditions: [{ value: robin.userId, user: { name: 'Deleted user', status: 'deleted' }, matchesNobody: true }],
      });
      expect(await found(id)).toEqual([]);
    },
  );
});

describe('filters of a leaver', () => {
  it('stay and are visible to everyone if they are public, finally owned by a deleted user', async () => {
    const { id } = await make(robin);
    await leaves(service, robin, 'deactivated');
    expect(await read(id)).toMatchObject({ owner: { status: 'deactivated' } });
    await leaves(service, robin, 'deleted');
    expect(await read(id)).toMatchObject({ ownerId: robin.userId, owner: { name: 'Deleted user' } });
  });

  it('are kept for their owner if they are private, and deleted when the owner is deleted', async () => {
    const { id } = await make(robin, { visibility: 'private', conditions: [naming(olu)] });
    await leaves(service, robin, 'deactivated');
    expect(await listed(olu)).toEqual([]);
    await returns(service, robin);
    expect(await listed(robin)).toEqual([id]);
    const lines = await leaves(service, robin, 'deleted');
    expect(lines).toContainEqual(
      expect.objectContaining({
        rule: 'contacts.private-filters',
        transition: 'deleted',
        action: 'delete',
        affected: 1,
      }),
    );
    expect(await service.em().count(FilterCondition, { filterId: id })).toBe(0);
  });

  it('go to a successor if the policy says so', async () => {
    const { id } = await make(robin);
    const transfer = { action: 'transfer', to: olu.userId } as const;
    await leaves(service, robin, 'deactivated', { 'contacts.filters': { deactivated: transfer } });
    expect(await read(id)).toMatchObject({ owner: { id: olu.userId } });
  });

  it('cannot be created any more', async () => {
    await leaves(service, robin, 'deactivated');
    for (const visibility of ['public', 'private'] as const)
      await expect(make(robin, { visibility })).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it('are counted the same in preview and receipt, although conditions are deleted with their filter', async () => {
    await make(robin, { conditions: [naming(robin)] });
    await make(robin, { visibility: 'private', conditions: [naming(robin)] });
    await make(olu, { conditions: [naming(robin), naming(robin, 'ownerId')] });
    const rules = {
      'contacts.filters': { deleted: { action: 'delete' } },
      'contacts.private-filters': { deleted: { action: 'delete' } },
      'contacts.filter-conditions': { deleted: { action: 'keep' } },
    } as const;
    const facts = { activeSince: 1, wasManager: false, rules, steps: ['deleted' as const] };
    const previewed = await service.client.ask(previewOf('contacts'), { ...robin, ...facts });
    const done = await leaves(service, robin, 'deleted', rules);
    const receipt = done.filter(({ rule, transition }) => rule in rules && transition === 'deleted');
    expect(receipt.map(({ affected }) => affected)).toEqual([1, 1, 3]);
    expect(receipt.map(({ rule, affected }) => [rule, affected])).toEqual(
      previewed.map(({ rule, count }) => [rule, count]),
    );
  });
});
