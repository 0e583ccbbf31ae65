import { dashboards, NOBODY, publicDashboard, publicLinks, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { hears, policy, startInsights } from '../testing/insights.js';

describe('private dashboards', () => {
  let insights: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    insights = await startInsights();
  });
  afterAll(() => insights.stop());
  beforeEach(async () => {
    robin = await insights.person();
    kim = await insights.person({ accountId: robin.accountId, name: 'Kim Example', roles: ['admin'] });
  });
  const RULE = 'insights.private-dashboards';
  const absent = { code: 'not-found' };
  const make = (shared = false) =>
    insights.call(robin, dashboards.create, { body: { name: 'My numbers', shared, layout: { rows: 2 } } });
  const read = (as: Principal, id: string) => insights.call(as, dashboards.get, { params: { id } });
  const listed = async (as: Principal) => (await insights.call(as, dashboards.list)).items.map(({ id }) => id);
  const publish = (as: Principal, dashboardId: string) =>
    insights.call(as, publicLinks.create, { body: { dashboardId } });
  const visit = (url: string) => insights.call(NOBODY, publicDashboard, { params: { token: url.slice('/p/'.length) } });

  it('are visible only to their owner, whatever the role of others', async () => {
    const [own, shared] = [await make(), await make(true)];
    expect(await read(robin, own.id)).toEqual(own);
    expect(await listed(robin)).toEqual([shared.id, own.id]);
    expect(await listed(kim)).toEqual([shared.id]);
    expect((await insights.call(kim, dashboards.list, { query: { ownerId: robin.userId } })).items).toEqual([shared]);
    await expect(read(kim, own.id)).rejects.toMatchObject(absent);
    await expect(insights.call(kim, dashboards.remove, { params: { id: own.id } })).rejects.toMatchObject(absent);
    await expect(publish(kim, own.id)).rejects.toMatchObject({ code: 'unknown-reference' });
  });

  it('hide their public links from other users', async () => {
    const [own, shared] = [await make(), await make(true)];
    const [hidden, known] = [await publish(robin, own.id), await publish(robin, shared.id)];
    const links = async (as: Principal) => (await insights.call(as, publicLinks.list)).items;
    expect(await links(robin)).toEqual([known, hidden]);
    expect(await links(kim)).toEqual([known]);
    expect((await insights.call(kim, publicLinks.list, { query: { dashboardId: own.id } })).items).toEqual([]);
    const params = { id: hidden.id };
    await expect(insights.call(kim, publicLinks.get, { params })).rejects.toMatchObject(absent);
    await expect(insights.call(kim, publicLinks.remove, { params })).rejects.toMatchObject(absent);
    expect(await visit(hidden.url)).toMatchObject({ name: 'My numbers' });
  });

  it('are kept for a deactivated owner, who may return', async () => {
    const { id } = await make();
    await hears(insights, robin, 'deactivated', policy(RULE, { action: 'keep' }));
    await expect(read(kim, id)).rejects.toMatchObject(absent);
    await hears(insights, robin, 'reactivated', {}, 3);
    expect(await read(robin, id)).toMatchObject({ id, ownerId: robin.userId });
  });

  it('are deleted with their owner, including public links; shared ones are not', async () => {
    const [own, shared] = [await make(), await make(true)];
    const [page, sharedPage] = [await publish(robin, own.id), await publish(robin, shared.id)];
    await hears(insights, robin, 'deleted', policy(RULE, { action: 'keep' }, { action: 'delete' }));
    await expect(visit(page.url)).rejects.toMatchObject(absent);
    await expect(read(robin, own.id)).rejects.toMatchObject(absent);
    expect((await insights.call(robin, publicLinks.list)).items.map(({ id }) => id)).toEqual([sharedPage.id]);
    expect(await read(kim, shared.id)).toMatchObject({ owner: { name: 'Deleted user', status: 'deleted' } });
  });

  it('stay private under the successor when transferred', async () => {
    const { id } = await make();
    const other = await insights.person({ accountId: robin.accountId });
    await hears(insights, robin, 'deactivated', policy(RULE, { action: 'transfer', to: kim.userId }));
    expect(await read(kim, id)).toMatchObject({ ownerId: kim.userId, shared: false });
    await expect(read(other, id)).rejects.toMatchObject(absent);
  });
});
