import { insightFilters, type NewInsightFilterCondition, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { hears, startInsights } from '../testing/insights.js';

describe('insight filters', () => {
  let insights: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    insights = await startInsights();
  });
  afterAll(() => insights.stop());
  beforeEach(async () => {
    robin = await insights.person();
    kim = await insights.person({ accountId: robin.accountId, name: 'Kim Example' });
  });
  const make = (...conditions: NewInsightFilterCondition[]) =>
    insights.call(robin, insightFilters.create, { body: { name: 'Ours', conditions } });
  const about = ({ userId }: Principal): NewInsightFilterCondition => ({ field: 'owner', op: 'is', userId });
  const listed = async (query = {}) => (await insights.call(robin, insightFilters.list, { query })).items;

  it('compare fields with users and with values, in the given order', async () => {
    const made = await make({ field: 'value', op: 'at-least', value: '1000' }, about(kim));
    expect(made.conditions).toEqual([
      { field: 'value', op: 'at-least', userId: null, user: null, value: '1000' },
      {
        field: 'owner',
        op: 'is',
        userId: kim.userId,
        user: { id: kim.userId, name: 'Kim Example', status: 'active' },
        value: null,
      },
    ]);
    expect(await insights.call(kim, insightFilters.get, { params: { id: made.id } })).toEqual(made);
  });

  it('can be found by the users they name', async () => {
    const plain = await make({ field: 'stage', op: 'is', value: 'won' });
    const kims = await make(about(kim), about(robin));
    const own = await make(about(robin), { field: 'stage', op: 'is', value: 'won' });
    expect(await listed()).toEqual([own, kims, plain]);
    expect(await listed({ userId: kim.userId })).toEqual([kims]);
    expect(await listed({ userId: 'me' })).toEqual([own, kims]);
    expect(await listed({ userId: 'none' })).toEqual([plain]);
    await insights.call(robin, insightFilters.remove, { params: { id: kims.id } });
    expect(await listed({ userId: kim.userId })).toEqual([]);
  });

  it('require either a user or a value, and an operator that fits it', async () => {
    const fault = (field: string) => ({ code: 'validation', details: { errors: [{ field }] } });
    await expect(make({ field: 'owner', op: 'is' })).rejects.toMatchObject(fault('conditions.0.value'));
    const both = make({ field: 'stage', op: 'is', value: 'won' }, { ...about(kim), value: 'Kim' });
    await expect(both).rejects.toMatchObject(fault('conditions.1.value'));
    await expect(make({ ...about(kim), op: 'contains' })).rejects.toMatchObject(fault('conditions.0.op'));
  });

  it('can name a deactivated user, even when new, but not a deleted one', async () => {
    const before = await make(about(kim));
    await hears(insights, kim, 'deactivated');
    const since = await make(about(kim));
    expect(since.conditions[0]!.user).toMatchObject({ id: kim.userId, status: 'deactivated' });
    await hears(insights, kim, 'deleted', {}, 3);
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(make(about(robin), about(kim))).rejects.toMatchObject(refused);
    expect((await listed()).map(({ id }) => id)).toEqual([since.id, before.id]);
    expect((await listed())[0]!.conditions[0]!.user).toEqual({
      id: kim.userId,
      name: 'Deleted user',
      status: 'deleted',
    });
  });

  it('get other conditions, of which those on deleted users may stay', async () => {
    const { id } = await make(about(kim));
    const change = (...conditions: NewInsightFilterCondition[]) =>
      insights.call(robin, insightFilters.update, { params: { id }, body: { name: 'Theirs', conditions } });
    await hears(insights, kim, 'deleted');
    const changed = await change(about(kim), about(robin));
    expect(changed).toMatchObject({ name: 'Theirs', conditions: [{ userId: kim.userId }, { userId: robin.userId }] });
    await change(about(robin));
    await expect(change(about(kim))).rejects.toMatchObject({ code: 'inactive-user' });
    await expect(change({ ...about(robin), op: 'contains' })).rejects.toMatchObject({ code: 'validation' });
    expect(await listed()).toMatchObject([{ id, conditions: [{ userId: robin.userId }] }]);
  });
});
