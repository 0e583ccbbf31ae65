import { eventually } from '#libs/test-kit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { countOf } from './around-a-departure/past-the-rules.js';
import type { Json } from './support/api.js';
import { anAccount, type Cast, type Member } from './support/cast.js';
import { counts, linesOf, over, type Departure } from './support/departures.js';
import { System } from './support/system.js';

const NUMBERS = 'telephony.numbers';
const ROUTING = 'telephony.call-routing';

/** Contacts that move because the user of their number leaves, and that move back, through the API. */
describe('the contacts of a leaver’s numbers', () => {
  let system: System;
  let cast: Cast;
  let issued = 0;
  beforeAll(async () => {
    system = await System.start();
  }, 60_000);
  beforeEach(async () => {
    cast = await anAccount(system, 'crm');
    const transfer = { deactivated: 'transfer', deleted: 'transfer' };
    await owner().put('/v1/policy', { preset: 'crm', overrides: { [NUMBERS]: transfer, [ROUTING]: transfer } });
  });
  afterAll(() => system?.stop());

  const owner = () => cast.owner.api;
  const post = (path: string, body: Json = {}) => owner().post<Departure>(`/v1/users/${cast.ada.id}/${path}`, body);
  const deactivate = () => post('deactivate', { successors: { default: cast.ben.id } });
  const left = async () => over(owner(), await deactivate());
  const back = async (body: Json = { restore: 'all' }) => over(owner(), await post('reactivate', body));
  const lineOf = (departure: Departure, rule = NUMBERS) =>
    linesOf(departure).find((line) => line.rule === rule && line.part === 'contacts');

  const csv = (id: string, { staffId }: Member) => `ContactId,Name,StaffId\n${id},A customer,${staffId}`;
  /** Imports a contact, or assigns it again. */
  async function isImported(externalId: string, of: Member): Promise<void> {
    const { id } = await owner().upload<{ id: string }>('/v1/contact-imports', csv(externalId, of));
    await eventually(async () =>
      expect(await owner().get(`/v1/contact-imports/${id}`)).toMatchObject({ status: 'completed' }),
    );
  }
  async function aContact(of: Member): Promise<{ id: string; externalId: string }> {
    const externalId = `C-${++issued}`;
    await isImported(externalId, of);
    const all = await owner().all<{ id: string; externalId: string }>('/v1/contacts');
    return all.find((contact) => contact.externalId === externalId)!;
  }
  async function aNumber(of: Member, contacts: { id: string }[], more: Json = {}): Promise<string> {
    const e164 = `+1415557${String(1000 + ++issued)}`;
    const { id } = await owner().post<{ id: string }>('/v1/numbers', { e164, ownerId: of.id, ...more });
    await owner().post(`/v1/numbers/${id}/contacts`, { contactIds: contacts.map((contact) => contact.id) });
    return id;
  }
  const assigneeOf = async ({ id }: { id: string }) =>
    (await owner().get<{ assignee: { id: string } | null }>(`/v1/contacts/${id}`)).assignee?.id;
  const unanswered = async () => {
    const { status, services } = await owner().get<Departure>(`/v1/departures/${(await deactivate()).id}`);
    return { status, services };
  };

  it('have moved when the departure is completed, and the receipt counts them as the preview does', async () => {
    const [mine, bens] = [await aContact(cast.ada), await aContact(cast.ben)];
    await aNumber(cast.ada, [mine]);
    await aNumber(cast.ada, [mine, bens]);
    await aNumber(cast.cleo, [mine], { destinationUserId: cast.ada.id });
    const preview = await owner().get<{ rules: { rule: string; transition: string; count: number }[] }>(
      `/v1/users/${cast.ada.id}/departure-preview?transition=deactivated`,
    );
    const departure = await left();
    expect(departure).toMatchObject({ status: 'completed' });
    expect([await assigneeOf(mine), await assigneeOf(bens)]).toEqual([cast.ben.id, cast.ben.id]);
    expect(counts(linesOf(departure))).toEqual(counts(preview.rules));
    expect(lineOf(departure)).toMatchObject({ affected: 2, remaining: 0, transferredTo: cast.ben.id });
    expect(lineOf(departure, ROUTING)).toMatchObject({ affected: 1, remaining: 0 });
  });

  it('do not move any more once a return has overtaken the departure, however late the message', async () => {
    const contact = await aContact(cast.ada);
    const number = await aNumber(cast.ada, [contact]);
    await system.stopOne('contacts');
    await unanswered();
    const returning = await post('reactivate', { restore: 'all' });
    await eventually(async () => {
      const { ownerId } = await owner().get<{ ownerId: string }>(`/v1/numbers/${number}`);
      expect(ownerId).toBe(cast.ada.id);
    });
    await system.startOne('contacts');
    const departure = await over(owner(), returning);
    expect(departure).toMatchObject({ status: 'completed' });
    expect(lineOf(departure)).toMatchObject({ action: 'restore', affected: 0, notRestored: 0 });
    expect(await assigneeOf(contact)).toBe(cast.ada.id);
    const waiting = 'select count(*) from remote_effect where user_id = $1';
    expect(await countOf(system, 'telephony', waiting, [cast.ada.id])).toBe(0);
  });

  it('keep the departure running until the contacts service has moved them', async () => {
    const contact = await aContact(cast.ada);
    await aNumber(cast.ada, [contact]);
    await system.stopOne('contacts');
    const { id } = await deactivate();
    await eventually(async () => {
      const departure = await owner().get<Departure>(`/v1/departures/${id}`);
      expect(departure.status).toBe('running');
      expect(lineOf(departure)).toMatchObject({ affected: 0, remaining: null, finishedAt: null });
    });
    await system.startOne('contacts');
    const departure = await over(owner(), { id });
    expect(departure).toMatchObject({ status: 'completed' });
    expect(lineOf(departure)).toMatchObject({ affected: 1, remaining: 0 });
    expect(await assigneeOf(contact)).toBe(cast.ben.id);
  });

  it('come back with the number, except those that an import has assigned since, and the receipt says so', async () => {
    const [mine, bens, imported] = [await aContact(cast.ada), await aContact(cast.ben), await aContact(cast.ada)];
    const number = await aNumber(cast.ada, [mine, bens, imported]);
    expect(lineOf(await left())).toMatchObject({ affected: 3 });
    system.clock.advance(1_000);
    await isImported(imported.externalId, cast.cleo);
    const departure = await back();
    expect(departure).toMatchObject({ status: 'completed' });
    expect(lineOf(departure)).toMatchObject({
      action: 'restore',
      ...{ affected: 2, notRestored: 1, warning: 'changed-since' },
    });
    expect(await owner().get(`/v1/numbers/${number}`)).toMatchObject({ ownerId: cast.ada.id });
    const now = await Promise.all([mine, bens, imported].map(assigneeOf));
    expect(now).toEqual([cast.ada.id, cast.ben.id, cast.cleo.id]);
  });

  it('stay with the successor if a return restores nothing', async () => {
    const contact = await aContact(cast.ada);
    await aNumber(cast.ada, [contact]);
    await left();
    expect(lineOf(await back({}))).toBeUndefined();
    expect(await assigneeOf(contact)).toBe(cast.ben.id);
  });

  it('are left to an import made between decision and move', async () => {
    const contact = await aContact(cast.ada);
    await aNumber(cast.ada, [contact]);
    await system.stopOne('telephony');
    const { id } = await deactivate();
    system.clock.advance(1_000);
    await isImported(contact.externalId, cast.cleo);
    await system.startOne('telephony');
    expect(lineOf(await over(owner(), { id }))).toMatchObject({ affected: 0, remaining: 0 });
    expect(await assigneeOf(contact)).toBe(cast.cleo.id);
  });

  it('go on to move when a deletion overtakes the deactivation', async () => {
    const contact = await aContact(cast.ada);
    await aNumber(cast.ada, [contact]);
    await system.stopOne('contacts');
    const { id } = await deactivate();
    await eventually(async () =>
      expect(lineOf(await owner().get<Departure>(`/v1/departures/${id}`))).toMatchObject({ finishedAt: null }),
    );
    const deleting = await post('delete', { successors: { default: cast.ben.id } });
    await system.startOne('contacts');
    const deletion = await over(owner(), deleting);
    expect(deletion).toMatchObject({ status: 'completed' });
    const lines = linesOf(deletion).filter((line) => line.rule === NUMBERS && line.part === 'contacts');
    expect(counts(lines)).toEqual({ [`deleted ${NUMBERS} contacts`]: 0, [`deactivated ${NUMBERS} contacts`]: 1 });
    expect(await assigneeOf(contact)).toBe(cast.ben.id);
  });

  it('that were never confirmed are found by a verification', async () => {
    const contact = await aContact(cast.ada);
    await aNumber(cast.ada, [contact]);
    await left();
    const lost = `insert into remote_effect (account_id, user_id, lifecycle_version, rule, part, transition, decided_at,
      item_ids, expected, due_at) select account_id, user_id, lifecycle_version, '${NUMBERS}', 'contacts', 'deactivated', now(),
      array[$2::uuid], 1, 'infinity' from directory where user_id = $1 returning 1`;
    await countOf(system, 'telephony', `with done as (${lost}) select count(*) from done`, [cast.ada.id, contact.id]);
    const verification = await owner().post('/v1/departures/verify');
    await eventually(async () => {
      const { broken } = await owner().get(`/v1/departures/verify/${String(verification.id)}`);
      expect(broken).toMatchObject([{ userId: cast.ada.id, rule: NUMBERS, part: 'contacts', remaining: 1 }]);
    });
  });
});
