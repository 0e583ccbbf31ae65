import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { accountSyncs, type AccountSyncChanges, type Principal } from '#libs/contracts';
import { Encryption } from '#libs/platform';
import type { TestService } from '#libs/platform/testing';
import { leaves, returns, startIntegrations } from '../testing/integrations.js';
import { AccountSync } from './account-sync.entity.js';

describe('account syncs', () => {
  let integrations: TestService;
  let robin: Principal;
  let admin: Principal;
  beforeAll(async () => {
    integrations = await startIntegrations();
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    robin = await integrations.person();
    admin = await integrations.person({ accountId: robin.accountId, roles: ['admin'] });
  });

  const GRANT = 'refresh-token-of-the-mailbox';
  const create = (more: object = {}) =>
    integrations.call(robin, accountSyncs.create, {
      body: { kind: 'email', provider: 'google', grant: GRANT, ...more },
    });
  const update = (who: Principal, id: string, body: AccountSyncChanges) =>
    integrations.call(who, accountSyncs.update, { params: { id }, body });
  const read = (id: string) => integrations.call(admin, accountSyncs.get, { params: { id } });
  const grantOf = async (id: string) => (await integrations.em().findOneOrFail(AccountSync, { id })).sealedGrant;

  it('never return their grant and store it encrypted', async () => {
    const made = await create();
    expect(made).toMatchObject({ kind: 'email', provider: 'google', status: 'active', owner: { id: robin.userId } });
    const listed = await integrations.call(robin, accountSyncs.list, { query: { ownerId: 'me' } });
    expect(listed.items).toEqual([made]);
    expect(JSON.stringify([made, await read(made.id)])).not.toMatch(/grant|refresh-token/i);
    const sealed = await grantOf(made.id);
    expect(sealed).not.toContain(GRANT);
    expect(integrations.get(Encryption).decrypt(sealed!, robin.accountId)).toBe(GRANT);
  });

  it('lose their grant when they are stopped', async () => {
    const { id } = await create();
    expect(await update(robin, id, { status: 'stopped' })).toMatchObject({
      status: 'stopped',
      stoppedAt: expect.any(String),
    });
    expect(await grantOf(id)).toBeNull();
    expect(await update(robin, id, { status: 'active', grant: 'another' })).toMatchObject({ stoppedAt: null });
    expect(integrations.get(Encryption).decrypt((await grantOf(id))!, robin.accountId)).toBe('another');
    await update(robin, id, { status: 'active' });
    expect(integrations.get(Encryption).decrypt((await grantOf(id))!, robin.accountId)).toBe('another');
    const refused = { code: 'validation', details: { errors: [{ field: 'grant' }] } };
    await expect(update(robin, id, { status: 'stopped', grant: GRANT })).rejects.toMatchObject(refused);
  });

  it('can be started only by their owner, but stopped by managers as well', async () => {
    const { id } = await create();
    const colleague = await integrations.person({ accountId: robin.accountId });
    await expect(update(colleague, id, { status: 'stopped' })).rejects.toMatchObject({ code: 'not-found' });
    expect(await update(admin, id, { status: 'stopped' })).toMatchObject({ status: 'stopped' });
    await expect(update(admin, id, { status: 'active' })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it.each(['deactivated', 'deleted'] as const)('of a %s user are stopped and lose their grants', async (transition) => {
    const kinds = ['email', 'contact', 'calendar', 'drive'];
    const made = await Promise.all(kinds.map((kind) => create({ kind })));
    await leaves(integrations, robin, transition);
    for (const { id } of made) {
      expect(await read(id)).toMatchObject({ status: 'stopped', owner: { status: transition } });
      expect(await grantOf(id)).toBeNull();
    }
    await expect(update(robin, made[0]!.id, { status: 'active', grant: GRANT })).rejects.toMatchObject({
      code: 'inactive-user',
    });
    await expect(
      integrations.call(admin, accountSyncs.create, {
        body: { kind: 'email', provider: 'google', ownerId: robin.userId },
      }),
    ).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it('stay stopped for a user who returns, until the user starts them again', async () => {
    const { id } = await create();
    await leaves(integrations, robin);
    await returns(integrations, robin);
    expect(await read(id)).toMatchObject({ status: 'stopped' });
    expect(await update(robin, id, { status: 'active', grant: 'new' })).toMatchObject({ status: 'active' });
  });
});
