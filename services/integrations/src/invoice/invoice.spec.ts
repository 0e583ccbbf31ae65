import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { invoices, storageConnections, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { leaves, returns, startIntegrations } from '../testing/integrations.js';

describe('QuickBooks invoices', () => {
  let integrations: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    integrations = await startIntegrations();
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    robin = await integrations.person({ roles: ['admin'] });
    kim = await integrations.person({ accountId: robin.accountId, name: 'Kim Example', roles: ['admin'] });
  });

  const connect = (who: Principal) =>
    integrations.call(who, storageConnections.create, { body: { provider: 'quickbooks' } });
  const create = (more: object = {}) =>
    integrations.call(robin, invoices.create, { body: { number: 'INV-1', amount: 99.95, currency: 'EUR', ...more } });
  const read = (id: string) => integrations.call(kim, invoices.get, { params: { id } });
  const list = async () => (await integrations.call(kim, invoices.list)).items;
  const unreadable = { code: 'forbidden', details: { detail: expect.stringContaining('/v1/storage-connections') } };

  it('are created by users connected with QuickBooks and can be read by all users', async () => {
    await expect(create()).rejects.toMatchObject({ code: 'conflict', details: { items: [robin.userId] } });
    await connect(robin);
    const made = await create();
    expect(made).toMatchObject({ number: 'INV-1', amount: 99.95, currency: 'EUR', owner: { id: robin.userId } });
    expect(await read(made.id)).toEqual(made);
    expect(await list()).toEqual([made]);
    await expect(create({ ownerId: kim.userId })).rejects.toMatchObject({ code: 'conflict' });
  });

  it.each([
    ['deactivated', 'Robin Example'],
    ['deleted', 'Deleted user'],
  ] as const)('of a %s user are readable once another user connects', async (transition, name) => {
    await connect(robin);
    const { id } = await create();
    await leaves(integrations, robin, transition);
    await expect(read(id)).rejects.toMatchObject(unreadable);
    await expect(list()).rejects.toMatchObject(unreadable);
    await expect(integrations.call(kim, invoices.remove, { params: { id } })).rejects.toMatchObject(unreadable);
    const stranger = await integrations.person();
    await connect(stranger);
    await expect(read(id)).rejects.toMatchObject(unreadable);
    await connect(kim);
    expect(await read(id)).toMatchObject({ number: 'INV-1', owner: { name, status: transition } });
    expect(await list()).toHaveLength(1);
    const late = { number: 'INV-2', amount: 1, currency: 'EUR', ownerId: robin.userId };
    await expect(integrations.call(kim, invoices.create, { body: late })).rejects.toMatchObject({
      code: 'inactive-user',
    });
  });

  it('stay readable if another user was connected all the time', async () => {
    await connect(robin);
    await connect(kim);
    const { id } = await create();
    await leaves(integrations, robin);
    expect(await read(id)).toMatchObject({ number: 'INV-1' });
  });

  it('are readable again when their owner returns', async () => {
    await connect(robin);
    const { id } = await create();
    await leaves(integrations, robin);
    await returns(integrations, robin);
    expect(await read(id)).toMatchObject({ number: 'INV-1' });
  });

  it('cannot be read without a connection', async () => {
    const { id: connection } = await connect(robin);
    const { id } = await create();
    await integrations.call(robin, storageConnections.remove, { params: { id: connection } });
    await expect(read(id)).rejects.toMatchObject(unreadable);
  });
});
