import { SCOPES } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import type { Api, Json } from './support/api.js';
import { anAccount, PASSWORD, signIn, type Cast } from './support/cast.js';
import { linesOf, over, type Departure } from './support/departures.js';
import { mailsDuring } from './support/mail.js';
import { story } from './support/story.js';
import { System } from './support/system.js';
import { traces } from './support/observers/traces.js';

let system: System;
let issued = 0;
beforeAll(async () => {
  system = await System.start();
}, 120_000);
afterAll(async () => {
  await system?.stop();
}, 30_000);

const items = async (api: Api, path: string) => (await api.get<{ items: Json[] }>(path)).items;
const statusOf = async (call: Promise<unknown>, api: Api) => (await api.refusal(call)).status;

/** Creates a personal number and a message in the personal inbox. */
async function belongings({ cleo, owner }: Cast) {
  const csv = ['ContactId,Name,Phone', `C-1,A customer,+1415555${String(2000 + ++issued)}`].join('\n');
  await owner.api.upload('/v1/contact-imports', csv);
  const [contact] = await items(owner.api, '/v1/contacts?limit=1');
  const e164 = `+1415556${String(1000 + issued)}`;
  const number = await cleo.api.post('/v1/numbers', { e164, kind: 'personal', ownerId: cleo.id });
  const contactId = contact!.id as string;
  const sent = await cleo.api.post<{ items: Json[] }>('/v1/messages', { contactIds: [contactId], text: 'Hello' });
  return { contactId, e164, numberId: number.id as string, inboxId: sent.items[0]!.inboxId as string };
}

type Belongings = Awaited<ReturnType<typeof belongings>>;

describe('the transfer of a user to another person', () => {
  let cast: Cast;
  let had: Belongings;
  const nell = { name: 'Nell Newcomer', email: 'nell@takeover.example', staffId: 'NELL-1' };

  beforeAll(async () => {
    cast = await anAccount(system, 'texting');
    had = await belongings(cast);
  }, 60_000);

  const step = story();

  step('locks out the former person within a second, and lets the new one choose a password', async () => {
    const { cleo, owner } = cast;
    const { token: apiToken } = await cleo.api.post('/v1/me/api-tokens', { name: 'Laptop', scopes: SCOPES });
    const byToken = system.api(apiToken as string);
    await byToken.get('/v1/me');
    const mails = await mailsDuring(system.mailboxes, 2, () => owner.api.post(`/v1/users/${cleo.id}/transfer`, nell));
    await eventually(async () => expect(await statusOf(cleo.api.get('/v1/me'), cleo.api)).toBe(401), {
      timeout: 1_000,
    });
    expect(await statusOf(byToken.get('/v1/me'), byToken)).toBe(401);
    expect(await cleo.api.refusal(signIn(system, cleo.email))).toMatchObject({ code: 'invalid-credentials' });
    expect(mails.get('email-changed')).toMatchObject({ to: cleo.email });
    const mail = mails.get('password-reset')!;
    expect(mail.to).toBe(nell.email);
    await system.api().post('/v1/auth/password-reset/confirm', { token: mail.token, password: PASSWORD });
  });

  step('keeps the user with threads and number', async () => {
    const api = await signIn(system, nell.email);
    expect(await api.get('/v1/me')).toMatchObject({ id: cast.cleo.id, ...nell, teamIds: [cast.teamId] });
    expect(await items(api, `/v1/messages?inboxId=${had.inboxId}`)).toMatchObject([{ text: 'Hello' }]);
    expect(await items(api, '/v1/numbers?ownerId=me')).toMatchObject([{ id: had.numberId, e164: had.e164 }]);
    await eventually(async () =>
      expect(await api.get(`/v1/inboxes/${had.inboxId}`)).toMatchObject({ owner: { name: nell.name } }),
    );
  });

  step('leaves no trace of the former person', async () => {
    await eventually(
      async () => {
        expect(await traces(system, cast.cleo.name)).toEqual([]);
        expect(await traces(system, cast.cleo.email)).toEqual([]);
        expect(await traces(system, cast.cleo.staffId)).toEqual([]);
      },
      { timeout: 20_000 },
    );
  });
});

describe('the caretaker of an inbox', () => {
  it('sees it and answers in it until the care ends; other users do not', async () => {
    const cast = await anAccount(system, 'crm');
    const { cleo, dan, owner } = cast;
    const { inboxId, contactId } = await belongings(cast);
    const send = () =>
      dan.api.post<{ items: Json[] }>('/v1/messages', { inboxId, contactIds: [contactId], text: 'On it' });
    const threads = () => dan.api.get<{ items: Json[] }>(`/v1/inboxes/${inboxId}/conversations`);
    expect(await statusOf(threads(), dan.api)).toBe(404);
    expect(await statusOf(send(), dan.api)).toBe(403);
    await owner.api.put(`/v1/users/${cleo.id}/caretaker`, { caretakerId: dan.id });
    await eventually(async () => expect((await threads()).items).toHaveLength(1));
    expect((await send()).items).toMatchObject([{ inboxId, sentBy: { id: dan.id } }]);
    await over(owner.api, await owner.api.post<Departure>(`/v1/users/${cleo.id}/deactivate`));
    expect((await send()).items).toHaveLength(1);
    expect(await items(dan.api, `/v1/messages?inboxId=${inboxId}`)).toHaveLength(3);
    await owner.api.delete(`/v1/users/${cleo.id}/caretaker`);
    await eventually(async () => expect(await statusOf(threads(), dan.api)).toBe(404));
    expect(await statusOf(send(), dan.api)).toBe(403);
    expect(await items(dan.api, `/v1/messages?inboxId=${inboxId}`)).toEqual([]);
  }, 60_000);

  it('loses it when leaving', async () => {
    const cast = await anAccount(system, 'helpdesk');
    const { cleo, dan, owner } = cast;
    const { inboxId } = await belongings(cast);
    await owner.api.put(`/v1/users/${cleo.id}/caretaker`, { caretakerId: dan.id });
    await over(owner.api, await owner.api.post<Departure>(`/v1/users/${dan.id}/deactivate`));
    await over(owner.api, await owner.api.post<Departure>(`/v1/users/${dan.id}/reactivate`));
    expect(await owner.api.get(`/v1/users/${cleo.id}`)).toMatchObject({ caretakerId: null });
    const back = await signIn(system, dan.email);
    await eventually(async () => expect(await statusOf(back.get(`/v1/inboxes/${inboxId}`), back)).toBe(404));
  }, 60_000);
});

describe.each(['texting', 'calls'])('under preset %s, the conversion of a user', (preset) => {
  let cast: Cast;
  let had: Belongings;
  let departure: Departure;

  beforeAll(async () => {
    cast = await anAccount(system, preset);
    had = await belongings(cast);
  }, 60_000);

  const step = story();

  step('deletes the user: the proof is 0 and certified', async () => {
    const { cleo, dan, ben, owner } = cast;
    const body = { name: 'Front desk', memberIds: [dan.id, ben.id] };
    departure = await over(
      owner.api,
      await owner.api.post<Departure>(`/v1/users/${cleo.id}/convert-to-shared-inbox`, body),
    );
    expect(departure).toMatchObject({ status: 'completed', transition: 'deleted', inboxId: had.inboxId });
    expect(linesOf(departure).filter((line) => line.remaining !== 0)).toEqual([]);
    expect(await owner.api.get(`/v1/users/${cleo.id}`)).toMatchObject({ name: 'Deleted user', status: 'deleted' });
    await owner.api.get(`/v1/departures/${departure.id}/certificate`);
  });

  step('keeps the number in use, also after the time of the quarantine', async () => {
    const { dan } = cast;
    const after = { kind: 'shared', state: 'assigned', ownerId: null, inboxId: had.inboxId };
    expect(await dan.api.get(`/v1/numbers/${had.numberId}`)).toMatchObject(after);
    expect(await cast.owner.api.post('/v1/calls/inbound', { to: had.e164 })).toMatchObject({
      outcome: 'routed',
      user: { id: dan.id },
    });
    system.advanceDays(8);
    for (const one of [dan, cast.owner]) one.api = await signIn(system, one.email);
    expect(await dan.api.get(`/v1/numbers/${had.numberId}`)).toMatchObject(after);
  });

  step('gives the threads and new messages to the number to the members', async () => {
    const { dan, cleo } = cast;
    expect(await dan.api.get(`/v1/inboxes/${had.inboxId}`)).toMatchObject({
      ...{ kind: 'shared', name: 'Front desk', memberIds: [dan.id, cast.ben.id], owner: null },
    });
    const body = { to: had.e164, contactId: had.contactId, text: 'Are you open today?' };
    expect(await cast.owner.api.post('/v1/messages/inbound', body)).toMatchObject({ inboxId: had.inboxId });
    const seen = await items(dan.api, `/v1/messages?inboxId=${had.inboxId}`);
    expect(seen.map(({ text }) => text)).toEqual(['Are you open today?', 'Hello']);
    expect(seen[1]!.sentBy).toEqual({ id: cleo.id, name: 'Deleted user', status: 'deleted' });
    expect(await items(dan.api, `/v1/inboxes/${had.inboxId}/conversations`)).toHaveLength(1);
  });
});
