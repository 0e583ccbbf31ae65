import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import { anAccount, type Cast } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
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

  it('of a user who has left take texts to the user’s number while a caretaker manages them', async () => {
    const { owner, ben, cleo } = cast;
    const e164 = '+14155561234';
    await owner.api.post('/v1/numbers', { e164, kind: 'personal', ownerId: cleo.id });
    const contact = async () => (await owner.api.post('/v1/contacts', { name: 'A customer' })).id;
    const text = async () =>
      owner.api.post('/v1/messages/inbound', { to: e164, contactId: await contact(), text: 'Hello?' });
    const { inboxId } = await text();
    await over(owner.api, await owner.api.post<Departure>(`/v1/users/${cleo.id}/deactivate`));
    expect(await owner.api.refusal(text())).toMatchObject({ status: 409, code: 'conflict' });
    expect(await owner.api.post('/v1/calls/inbound', { to: e164 })).toMatchObject({ outcome: 'voicemail', user: null });
    await owner.api.put(`/v1/users/${cleo.id}/caretaker`, { caretakerId: ben.id });
    const received = await eventually(text);
    expect(received).toMatchObject({ inboxId, status: 'received' });
    expect(await ben.api.get(`/v1/messages/${String(received.id)}`)).toMatchObject({ text: 'Hello?' });
    const call = { outcome: 'routed', user: { id: ben.id }, inboxOwner: { id: cleo.id, status: 'deactivated' } };
    expect(await owner.api.post('/v1/calls/inbound', { to: e164 })).toMatchObject(call);
    await owner.api.delete(`/v1/users/${cleo.id}/caretaker`);
    await eventually(async () => expect((await owner.api.refusal(text())).code).toBe('conflict'));
  });
});
