import { eventually } from '#libs/test-kit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json } from './support/api.js';
import { anAccount, type Cast, type Member } from './support/cast.js';
import { counts, linesOf, over, type Departure } from './support/departures.js';
import { System } from './support/system.js';

/** The contacts that move with a number, through the API. */
describe('the contacts of a number', () => {
  let system: System;
  let cast: Cast;
  let issued = 0;
  beforeAll(async () => {
    system = await System.start();
    cast = await anAccount(system, 'helpdesk');
  }, 60_000);
  afterAll(() => system?.stop());

  const owner = () => cast.owner.api;
  const create = async (path: string, body: Json) => (await owner().post(path, body)).id as string;
  const aContact = () => create('/v1/contacts', { name: 'A customer', phone: '+14155550100' });
  async function aNumber(of: Member, contactIds: string[] = []): Promise<string> {
    const id = await create('/v1/numbers', { e164: `+1415556${String(1000 + ++issued)}`, ownerId: of.id });
    if (contactIds.length > 0) await owner().post(`/v1/numbers/${id}/contacts`, { contactIds });
    return id;
  }
  const assignedTo = (contactId: string, assignee: Member) =>
    eventually(async () =>
      expect(await owner().get(`/v1/contacts/${contactId}`)).toMatchObject({ assignee: { id: assignee.id } }),
    );

  it('are those who have called or written, and move to the number’s new user', async () => {
    const [caller, writer, other] = [await aContact(), await aContact(), await aContact()];
    const id = await aNumber(cast.ben);
    const { e164 } = await owner().get<{ e164: string }>(`/v1/numbers/${id}`);
    await owner().post('/v1/calls/inbound', { to: e164, from: '+14155550100', contactId: caller });
    await owner().post('/v1/messages/inbound', { to: e164, contactId: writer, text: 'Hello' });
    await owner().post(`/v1/numbers/${id}/reassign`, { userId: cast.cleo.id });
    for (const contact of [caller, writer]) await assignedTo(contact, cast.cleo);
    expect(await owner().get(`/v1/contacts/${other}`)).toMatchObject({ assignee: null });
    expect(await owner().post('/v1/calls/inbound', { to: e164 })).toMatchObject({ user: { id: cast.cleo.id } });
  });

  it('move to the owner of the given number when their number is released', async () => {
    const contact = await aContact();
    const [old, heir] = [await aNumber(cast.ben, [contact]), await aNumber(cast.dan)];
    await owner().post(`/v1/numbers/${old}/release`, { moveContactsTo: heir });
    await assignedTo(contact, cast.dan);
    expect(await owner().get(`/v1/numbers/${heir}/contacts`)).toMatchObject({ items: [{ contactId: contact }] });
  });

  it('move to the successor on a deletion, and the receipts match the preview', async () => {
    const contact = await aContact();
    const number = await aNumber(cast.ada, [contact]);
    // Assigned to her already, because of an earlier number: the rule about her contacts counts it.
    await owner().post(`/v1/numbers/${await aNumber(cast.ben, [contact])}/reassign`, { userId: cast.ada.id });
    await assignedTo(contact, cast.ada);
    await owner().put('/v1/policy', {
      preset: 'helpdesk',
      overrides: { 'telephony.numbers': { deleted: 'transfer' }, 'contacts.assignments': { deleted: 'unassign' } },
    });
    const preview = await owner().get<{ rules: { rule: string; transition: string; count: number }[] }>(
      `/v1/users/${cast.ada.id}/departure-preview?transition=deleted`,
    );
    const deletion = await over(owner(), await owner().post<Departure>(`/v1/users/${cast.ada.id}/delete`));
    expect(deletion).toMatchObject({ status: 'completed' });
    expect(counts(linesOf(deletion))).toEqual(counts(preview.rules));
    expect(counts(linesOf(deletion))).toMatchObject({
      'deleted telephony.numbers': 2,
      'deleted contacts.assignments': 1,
    });
    expect(await owner().get(`/v1/numbers/${number}`)).toMatchObject({ ownerId: cast.owner.id });
    await assignedTo(contact, cast.owner);
  });

  it('are listed by name in the preview of a departure, and told about it', async () => {
    const contact = await aContact();
    const inboxId = (await cast.dan.api.post('/v1/inboxes', { kind: 'personal', name: 'Dan' })).id;
    await owner().post('/v1/messages/inbound', { inboxId, contactId: contact, text: 'Hello' });
    const preview = await owner().get(`/v1/users/${cast.dan.id}/departure-preview?transition=deactivated`);
    expect(preview).toMatchObject({
      contactsToTell: [{ contactId: contact, name: 'A customer', phone: '+14155550100' }],
      contactsToTellTotal: 1,
    });

    const { e164 } = await owner().get<{ e164: string }>(`/v1/numbers/${await aNumber(cast.ben)}`);
    const tellContacts = { text: 'Dan has left. Please write to Ben:', alternativeNumber: e164 };
    const told = await over(
      owner(),
      await owner().post<Departure>(`/v1/users/${cast.dan.id}/deactivate`, { tellContacts }),
    );
    await eventually(async () =>
      expect(await owner().get(`/v1/departures/${told.id}`)).toMatchObject({
        contactsTold: { total: 1, sent: 1, failed: 0 },
      }),
    );
  });
});
