import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { apps, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { Encryption } from '#libs/platform';
import { IntegrationsConfig } from '../integrations.config.js';
import { IntegrationsModule, migrations } from '../integrations.module.js';
import { App } from './app.entity.js';

describe('apps', () => {
  let integrations: TestService;
  let robin: Principal;
  beforeAll(async () => {
    integrations = await TestService.start({
      name: 'integrations',
      module: IntegrationsModule,
      migrations,
      config: IntegrationsConfig,
      env: { INTEGRATIONS_SECRET: 'a-secret-for-tests-that-is-long-enough' },
    });
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    robin = await integrations.person({ roles: ['admin'] });
  });

  const TOKEN = 'xoxb-what-the-app-was-granted';
  const install = (more: object = {}) =>
    integrations.call(robin, apps.create, { body: { appId: 'dialer', accessToken: TOKEN, ...more } });
  const stored = (id: string) => integrations.em().findOneOrFail(App, { id });

  it('are installed by the caller unless another user is given', async () => {
    expect(await install()).toMatchObject({
      appId: 'dialer',
      shared: false,
      status: 'installed',
      installedBy: { id: robin.userId, name: 'Robin Example', status: 'active' },
    });
    const other = await integrations.person({ accountId: robin.accountId });
    const theirs = await install({ installedBy: other.userId, shared: true });
    expect(theirs).toMatchObject({ installedBy: { id: other.userId }, shared: true });
    const { items } = await integrations.call(robin, apps.list, { query: { installedBy: other.userId } });
    expect(items).toEqual([theirs]);
  });

  it('cannot be installed for a user who has left', async () => {
    const { userId } = await integrations.person({ accountId: robin.accountId, status: 'deleted' });
    for (const shared of [false, true]) {
      await expect(install({ installedBy: userId, shared })).rejects.toMatchObject({ code: 'inactive-user' });
    }
  });

  it('never return their token and store it encrypted', async () => {
    const made = await install();
    const read = await integrations.call(robin, apps.get, { params: { id: made.id } });
    const listed = await integrations.call(robin, apps.list);
    expect(JSON.stringify([made, read, listed])).not.toMatch(/token|xoxb/i);
    const { accessToken } = await stored(made.id);
    expect(accessToken).not.toContain(TOKEN);
    expect(integrations.get(Encryption).decrypt(accessToken!, robin.accountId)).toBe(TOKEN);
    expect(() => integrations.get(Encryption).decrypt(accessToken!, integrations.ids.next())).toThrow();
  });

  it('encrypt equal tokens differently each time', async () => {
    const [first, second] = [await stored((await install()).id), await stored((await install()).id)];
    expect(first.accessToken).not.toBe(second.accessToken);
  });

  it('are listed only while they are installed', async () => {
    const { id } = await install();
    const gone = { status: 'uninstalled' as const, accessToken: null, uninstalledAt: integrations.clock.now() };
    await integrations.em().nativeUpdate(App, { id }, gone);
    const list = (query: object) => integrations.call(robin, apps.list, { query }).then(({ items }) => items.length);
    expect(await list({})).toBe(0);
    expect(await list({ status: 'uninstalled' })).toBe(1);
  });

  it('are handed over with their token while they are installed', async () => {
    const { id } = await install();
    const { userId: installedBy } = await integrations.person({ accountId: robin.accountId });
    const give = () => integrations.call(robin, apps.update, { params: { id }, body: { installedBy } });
    const { accessToken } = await stored(id);
    expect(await give()).not.toHaveProperty('accessToken');
    expect(await stored(id)).toMatchObject({ installedBy, accessToken, grantedAt: expect.any(Date) });
    const gone = { status: 'uninstalled' as const, accessToken: null, uninstalledAt: integrations.clock.now() };
    await integrations.em().nativeUpdate(App, { id }, gone);
    await expect(give()).rejects.toMatchObject({ code: 'conflict' });
  });

  it('are not visible to another account', async () => {
    const { id } = await install({ shared: true });
    const stranger = await integrations.person({ roles: ['owner'] });
    await expect(integrations.call(stranger, apps.get, { params: { id } })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect((await integrations.call(stranger, apps.list)).items).toEqual([]);
  });
});
