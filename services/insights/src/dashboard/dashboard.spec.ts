import { dashboards, NOBODY, publicDashboard, publicLinks, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { InsightsModule, migrations } from '../insights.module.js';

describe('dashboards', () => {
  let insights: TestService;
  let robin: Principal;
  beforeAll(async () => {
    insights = await TestService.start({ name: 'insights', module: InsightsModule, migrations });
  });
  afterAll(() => insights.stop());
  beforeEach(async () => {
    robin = await insights.person({ roles: ['admin'] });
  });

  it('belong to their creator and show the owner as the directory does', async () => {
    const made = await insights.call(robin, dashboards.create, { body: { name: 'Pipeline', shared: true } });
    expect(made).toMatchObject({
      name: 'Pipeline',
      shared: true,
      ownerId: robin.userId,
      owner: { id: robin.userId, name: 'Robin Example', status: 'active' },
    });
    expect(await insights.call(robin, dashboards.get, { params: { id: made.id } })).toEqual(made);
  });

  it('cannot be given to a user who has left or is unknown', async () => {
    const { userId } = await insights.person({ accountId: robin.accountId, status: 'deactivated' });
    const give = (ownerId: string) => insights.call(robin, dashboards.create, { body: { name: 'Pipeline', ownerId } });
    await expect(give(userId)).rejects.toMatchObject({ code: 'inactive-user', details: { items: [userId] } });
    // The test runs without the identity service, so an unknown user cannot be looked up.
    await expect(give(insights.ids.next())).rejects.toMatchObject({ code: 'service-unavailable' });
  });

  it('are not visible to another account', async () => {
    const made = await insights.call(robin, dashboards.create, { body: { name: 'Pipeline' } });
    const stranger = await insights.person();
    await expect(insights.call(stranger, dashboards.get, { params: { id: made.id } })).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(insights.call(stranger, dashboards.remove, { params: { id: made.id } })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect((await insights.call(stranger, dashboards.list)).items).toEqual([]);
  });

  it('are listed newest first, with paging, by owner', async () => {
    const other = await insights.person({ accountId: robin.accountId });
    await insights.call(other, dashboards.create, { body: { name: 'Not mine' } });
    for (const name of ['A', 'B', 'C']) await insights.call(robin, dashboards.create, { body: { name } });
    const first = await insights.call(robin, dashboards.list, { query: { ownerId: 'me', limit: 2 } });
    expect(first.items.map((d) => d.name)).toEqual(['C', 'B']);
    const second = await insights.call(robin, dashboards.list, {
      query: { ownerId: 'me', limit: 2, cursor: first.nextCursor! },
    });
    expect(second).toMatchObject({ items: [{ name: 'A' }], nextCursor: null });
  });

  it('have a public page for anyone with the link until they are removed', async () => {
    const { id } = await insights.call(robin, dashboards.create, { body: { name: 'Pipeline', layout: { rows: 2 } } });
    const { url } = await insights.call(robin, publicLinks.create, { body: { dashboardId: id } });
    const visit = () => insights.call(NOBODY, publicDashboard, { params: { token: url.slice('/p/'.length) } });
    expect(await visit()).toEqual({ name: 'Pipeline', layout: { rows: 2 } });
    await insights.call(robin, dashboards.remove, { params: { id } });
    await expect(visit()).rejects.toMatchObject({ code: 'not-found' });
  });
});
