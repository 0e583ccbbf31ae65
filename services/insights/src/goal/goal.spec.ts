import { goals, type NewGoal, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { hears, startInsights } from '../testing/insights.js';

describe('goals', () => {
  let insights: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    insights = await startInsights();
  });
  afterAll(() => insights.stop());
  beforeEach(async () => {
    robin = await insights.person({ roles: ['admin'] });
    kim = await insights.person({ accountId: robin.accountId, name: 'Kim Example' });
  });
  const make = (more: Partial<NewGoal> = {}) =>
    insights.call(robin, goals.create, { body: { name: 'Deals won', target: 12.5, ...more } });

  it('belong to their creator and list their participants', async () => {
    const made = await make({ participantIds: [kim.userId, robin.userId] });
    expect(made).toMatchObject({
      name: 'Deals won',
      target: 12.5,
      owner: { id: robin.userId, name: 'Robin Example' },
      participantIds: [kim.userId, robin.userId],
      participants: [{ name: 'Kim Example', status: 'active' }, { id: robin.userId }],
    });
    const theirs = await make({ ownerId: kim.userId });
    expect((await insights.call(kim, goals.list)).items).toEqual([theirs, made]);
    expect((await insights.call(kim, goals.list, { query: { ownerId: 'me' } })).items).toEqual([theirs]);
    await insights.call(robin, goals.remove, { params: { id: made.id } });
    expect((await insights.call(kim, goals.list)).items).toEqual([theirs]);
  });

  it('keep participants who have left', async () => {
    const { id } = await make({ participantIds: [kim.userId] });
    const participants = async () => (await insights.call(robin, goals.get, { params: { id } })).participants;
    await hears(insights, kim, 'deactivated');
    expect(await participants()).toMatchObject([{ id: kim.userId, status: 'deactivated' }]);
    await hears(insights, kim, 'deleted', {}, 3);
    expect(await participants()).toEqual([{ id: kim.userId, name: 'Deleted user', status: 'deleted' }]);
  });

  it('get other participants, and keep those who have left', async () => {
    const sam = await insights.person({ accountId: robin.accountId });
    const { id } = await make({ participantIds: [kim.userId, robin.userId] });
    await hears(insights, kim, 'deactivated');
    const change = (participantIds: string[], by = robin) =>
      insights.call(by, goals.update, { params: { id }, body: { participantIds } });
    expect(await change([kim.userId, sam.userId])).toMatchObject({ participantIds: [kim.userId, sam.userId] });
    await expect(change([robin.userId], sam)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await change([sam.userId])).toMatchObject({ name: 'Deals won', participantIds: [sam.userId] });
    await expect(change([kim.userId])).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it('refuse participants and owners who have left', async () => {
    await hears(insights, kim, 'deactivated');
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(make({ participantIds: [robin.userId, kim.userId] })).rejects.toMatchObject(refused);
    await expect(make({ ownerId: kim.userId })).rejects.toMatchObject(refused);
    await hears(insights, kim, 'reactivated', {}, 3);
    expect(await make({ participantIds: [kim.userId] })).toMatchObject({ participantIds: [kim.userId] });
  });
});
