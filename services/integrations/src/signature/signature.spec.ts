import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { documents, signatures, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { aDocument, leaves, startIntegrations } from '../testing/integrations.js';

describe('documents sent for signing', () => {
  let integrations: TestService;
  let robin: Principal;
  let kim: Principal;
  let admin: Principal;
  beforeAll(async () => {
    integrations = await startIntegrations();
  });
  afterAll(() => integrations.stop());
  beforeEach(async () => {
    robin = await integrations.person();
    kim = await integrations.person({ accountId: robin.accountId, name: 'Kim Example' });
    admin = await integrations.person({ accountId: robin.accountId, roles: ['admin'] });
  });

  const send = (more: object = {}) =>
    integrations.call(robin, signatures.create, {
      body: { dealId: integrations.ids.next(), title: 'Contract', ...more },
    });
  const read = (who: Principal, id: string) => integrations.call(who, signatures.get, { params: { id } });
  const list = async (who: Principal) => (await integrations.call(who, signatures.list)).items;

  it('can be seen by users who can see the deal', async () => {
    const open = await send();
    expect(open).toMatchObject({ provider: 'built-in', dealVisibleTo: 'everyone', owner: { id: robin.userId } });
    const closed = await send({ provider: 'docusign', dealVisibleTo: 'owner-and-managers' });
    for (const who of [robin, admin]) expect(await list(who)).toEqual([closed, open]);
    expect(await list(kim)).toEqual([open]);
    expect(await read(admin, closed.id)).toEqual(closed);
    await expect(read(kim, closed.id)).rejects.toMatchObject({ code: 'not-found' });
    const remove = integrations.call(kim, signatures.remove, { params: { id: closed.id } });
    await expect(remove).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are kept when their source document is removed', async () => {
    const document = await aDocument(integrations, robin);
    const { id } = await send({ documentId: document.id });
    expect(await read(kim, id)).toMatchObject({ documentId: document.id });
    await integrations.call(robin, documents.remove, { params: { id: document.id } });
    expect(await read(kim, id)).toMatchObject({ documentId: null, title: 'Contract' });
  });

  it('can be created only from documents the sender has access to', async () => {
    const theirs = await aDocument(integrations, kim);
    await expect(send({ documentId: theirs.id })).rejects.toMatchObject({ code: 'forbidden' });
    const stranger = await integrations.person();
    const documentId = (await aDocument(integrations, stranger)).id;
    await expect(send({ documentId })).rejects.toMatchObject({ code: 'unknown-reference' });
  });

  it.each([
    ['deactivated', 'Robin Example'],
    ['deleted', 'Deleted user'],
  ] as const)('of a %s user stay visible to users who can see the deal', async (transition, name) => {
    const open = await send({ provider: 'docusign' });
    const closed = await send({ dealVisibleTo: 'owner-and-managers' });
    await leaves(integrations, robin, transition);
    expect(await read(kim, open.id)).toMatchObject({ provider: 'docusign', owner: { name, status: transition } });
    await expect(read(kim, closed.id)).rejects.toMatchObject({ code: 'not-found' });
    expect(await read(admin, closed.id)).toMatchObject({ title: 'Contract', owner: { name } });
    const body = { dealId: open.dealId, title: 'Later', ownerId: robin.userId };
    await expect(integrations.call(admin, signatures.create, { body })).rejects.toMatchObject({
      code: 'inactive-user',
    });
  });
});
