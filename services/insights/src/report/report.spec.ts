import { reports, reportShare, type NewReport, type Principal, type SharedWith } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { hears, policy, startInsights } from '../testing/insights.js';

describe('reports', () => {
  let insights: TestService;
  let robin: Principal;
  let kim: Principal;
  let sam: Principal;
  beforeAll(async () => {
    insights = await startInsights();
  });
  afterAll(() => insights.stop());
  beforeEach(async () => {
    robin = await insights.person({ roles: ['admin'] });
    const { accountId } = robin;
    kim = await insights.person({ accountId, name: 'Kim Example' });
    sam = await insights.person({ accountId, name: 'Sam Example', roles: ['admin'] });
  });
  const RULE = 'insights.shared-reports';
  const absent = { code: 'not-found' };
  const make = (more: Partial<NewReport> = {}) =>
    insights.call(robin, reports.create, { body: { name: 'Win rate', definition: { by: 'month' }, ...more } });
  const read = (as: Principal, id: string) => insights.call(as, reports.get, { params: { id } });
  const listed = async (as: Principal, query = {}) => (await insights.call(as, reports.list, { query })).items;
  const share = (as: Principal, id: string, sharedWith: SharedWith) =>
    insights.call(as, reportShare, { params: { id }, body: { sharedWith } });

  it('are visible to their owner and to the users they are shared with', async () => {
    const own = await make();
    const some = await make({ sharedWith: [kim.userId] });
    const all = await make({ sharedWith: 'everyone' });
    expect(own).toMatchObject({ owner: { id: robin.userId }, sharedWith: [], withdrawn: false, participants: [] });
    expect(some.sharedWith).toEqual([{ id: kim.userId, name: 'Kim Example', status: 'active' }]);
    expect(all.sharedWith).toBe('everyone');
    expect(await listed(robin)).toEqual([all, some, own]);
    expect(await listed(kim)).toEqual([all, some]);
    expect(await listed(sam, { ownerId: robin.userId })).toEqual([all]);
    expect(await read(kim, some.id)).toEqual(some);
    await expect(read(sam, some.id)).rejects.toMatchObject(absent);
    const stranger = await insights.person();
    expect(await listed(stranger)).toEqual([]);
    await expect(read(stranger, all.id)).rejects.toMatchObject(absent);
  });

  it('can be shared again by their owner, but not with users who have left', async () => {
    const { id } = await make({ sharedWith: [kim.userId] });
    expect((await share(robin, id, [sam.userId])).sharedWith).toMatchObject([{ id: sam.userId }]);
    await expect(read(kim, id)).rejects.toMatchObject(absent);
    await expect(share(kim, id, 'everyone')).rejects.toMatchObject(absent);
    await expect(share(sam, id, 'everyone')).rejects.toMatchObject({ code: 'forbidden' });
    await hears(insights, kim, 'deactivated');
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(share(robin, id, [kim.userId])).rejects.toMatchObject(refused);
    await expect(make({ sharedWith: [kim.userId] })).rejects.toMatchObject(refused);
    await expect(make({ participantIds: [kim.userId] })).rejects.toMatchObject(refused);
    await expect(make({ ownerId: kim.userId })).rejects.toMatchObject(refused);
    expect(await read(sam, id)).toMatchObject({ sharedWith: [{ id: sam.userId }] });
  });

  it.each(['users', 'everyone'])('shared with %s become inaccessible when their owner leaves', async (whom) => {
    const { id } = await make({ sharedWith: whom === 'everyone' ? whom : [kim.userId, sam.userId] });
    expect(await read(kim, id)).toMatchObject({ id });
    await hears(insights, robin, 'deactivated', policy(RULE, { action: 'withdraw' }));
    await expect(read(kim, id)).rejects.toMatchObject(absent);
    expect(await listed(sam)).toEqual([]);
    await hears(insights, robin, 'deleted', policy(RULE, { action: 'withdraw' }), 3);
    await expect(read(kim, id)).rejects.toMatchObject(absent);
  });

  it('stay withdrawn when their owner returns, who can share them again', async () => {
    const { id } = await make({ sharedWith: [kim.userId] });
    await hears(insights, robin, 'deactivated', policy(RULE, { action: 'withdraw' }));
    await hears(insights, robin, 'reactivated', {}, 3);
    expect(await read(robin, id)).toMatchObject({ withdrawn: true, sharedWith: [{ id: kim.userId }] });
    await expect(read(kim, id)).rejects.toMatchObject(absent);
    await share(robin, id, [kim.userId]);
    expect(await read(kim, id)).toMatchObject({ withdrawn: false });
  });

  it('stay accessible under a successor', async () => {
    const { id } = await make({ sharedWith: [kim.userId] });
    const own = await make();
    await hears(insights, robin, 'deactivated', policy(RULE, { action: 'transfer', to: sam.userId }));
    expect(await read(kim, id)).toMatchObject({ owner: { name: 'Sam Example' }, withdrawn: false });
    await expect(read(sam, own.id)).rejects.toMatchObject(absent);
  });

  it('still show participants and readers who have left', async () => {
    const { id } = await make({ participantIds: [kim.userId, robin.userId], sharedWith: [kim.userId] });
    await hears(insights, kim, 'deactivated');
    expect(await read(robin, id)).toMatchObject({
      participantIds: [kim.userId, robin.userId],
      participants: [{ status: 'deactivated' }, { status: 'active' }],
    });
    await hears(insights, kim, 'deleted', {}, 3);
    const deleted = { id: kim.userId, name: 'Deleted user', status: 'deleted' };
    expect(await read(robin, id)).toMatchObject({ participants: [deleted, {}], sharedWith: [deleted] });
  });

  it('are removed together with their participants and readers', async () => {
    const { id } = await make({ participantIds: [kim.userId], sharedWith: [kim.userId] });
    await insights.call(robin, reports.remove, { params: { id } });
    expect(await listed(robin)).toEqual([]);
  });
});
