import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { anAccount, type Cast } from './support/cast.js';
import { System } from './support/system.js';

/** What reaches an inbox and what its filters show, where messaging depends on contacts and telephony. */
describe('inboxes through the API', () => {
  let system: System;
  let cast: Cast;
  beforeAll(async () => {
    system = await System.start();
    cast = await anAccount(system, 'texting');
  }, 60_000);
  afterAll(() => system?.stop());

  it('show under “My Contacts” the conversations with contacts that an import has assigned to the user', async () => {
    const { owner, ada, cleo, dan } = cast;
    const rows = [dan, dan, cleo].map(({ staffId }, n) => `MC-${n},Contact ${n},${staffId}`);
    await owner.api.upload('/v1/contact-imports', ['ContactId,Name,StaffId', ...rows, 'MC-3,Contact 3,'].join('\n'));
    const { id: inboxId } = await ada.api.post('/v1/inboxes', { kind: 'shared', name: 'Front desk' });
    const converse = async (externalId: string, assignee: string) => {
      const found = await owner.api.get<{ items: { id: string }[] }>(`/v1/contacts?externalId=${externalId}`);
      const body = { inboxId, contactId: found.items[0]!.id, assignee };
      return (await ada.api.post('/v1/conversations', body)).id;
    };
    const dans = [await converse('MC-0', cleo.id), await converse('MC-1', cleo.id)];
    const cleos = await converse('MC-2', dan.id);
    await converse('MC-3', dan.id);
    const mine = async ({ api }: Cast['dan']) =>
      (await api.all<{ id: string }>(`/v1/inboxes/${String(inboxId)}/conversations?mine=true`)).map(({ id }) => id);
    expect(await mine(dan)).toEqual(dans.toReversed());
    expect(await mine(cleo)).toEqual([cleos]);
    expect(await mine(ada)).toEqual([]);
    const page = await dan.api.get(`/v1/inboxes/${String(inboxId)}/conversations?mine=true&limit=1`);
    expect(page).toMatchObject({ items: [{ id: dans[1] }], nextCursor: expect.any(String) });
  });
});
