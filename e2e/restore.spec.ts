import { countOf } from './around-a-departure/past-the-rules.js';
import type { Json } from './support/api.js';
import { anAccount, contactsCsv, signIn, type Cast } from './support/cast.js';
import { linesOf, over, type Departure } from './support/departures.js';
import { PARTICIPANTS } from './support/foundation.js';
import { System } from './support/system.js';

interface Things {
  chats: string[];
  conversation: string;
  automation: string;
  webhook: string;
  number: string;
  app: string;
  dashboard: string;
  publicUrl: string;
}

let accounts = 0;

/** Ada is deactivated with the preset's policy, and reactivated. */
describe('a reactivation', () => {
  let cast: Cast;
  let had: Things;
  let taken: string;

  const owner = () => cast.owner.api;
  const see = (path: string) => owner().get(path);
  const chat = (n: number) => see(`/v1/live-chats/${had.chats[n]}`);
  const back = async (body?: Json) =>
    over(owner(), await owner().post<Departure>(`/v1/users/${cast.ada.id}/reactivate`, body));
  const reported = (departure: Departure) =>
    Object.fromEntries(
      linesOf(departure).map((line) => {
        const { notRestored, warning } = line as unknown as { notRestored: number; warning?: string };
        return [line.rule, [line.affected, notRestored, ...(warning ? [warning] : [])]];
      }),
    );

  async function belongings(): Promise<Things> {
    const { ada, cleo } = cast;
    const create = async (path: string, body: Json) => (await ada.api.post(path, body)).id as string;
    const newChat = () => create('/v1/live-chats', { visitor: 'A visitor', operatorId: ada.id });
    await ada.api.upload('/v1/contact-imports', contactsCsv([cleo], 1));
    const [contact] = (await ada.api.get('/v1/contacts?limit=1')).items as Json[];
    const inboxId = await create('/v1/inboxes', { kind: 'shared', name: 'Support', memberIds: [ada.id, cleo.id] });
    const dashboard = await create('/v1/dashboards', { name: 'Team pipeline', shared: true });
    const link = await ada.api.post('/v1/public-links', { dashboardId: dashboard });
    return {
      chats: [await newChat(), await newChat(), await newChat()],
      conversation: await create('/v1/conversations', {
        contactId: contact!.id,
        inboxId,
        assignee: ada.id,
        status: 'open',
      }),
      automation: await create('/v1/automations', { name: 'Welcome', trigger: { kind: 'any' } }),
      webhook: await create('/v1/webhooks', { url: 'https://hooks.example.com/leaver', events: ['contact.created'] }),
      number: await create('/v1/numbers', { e164: `+1415666${1000 + accounts}`, kind: 'personal', ownerId: ada.id }),
      app: await create('/v1/apps', { appId: 'calendar', shared: false }),
      dashboard,
      publicUrl: link.url as string,
    };
  }

  beforeEach(async () => {
    accounts += 1;
    cast = await anAccount(system, 'crm');
    had = await belongings();
    const body = {
      overrides: {
        'messaging.conversations': 'transfer',
        'telephony.numbers': { action: 'release-after', days: 7 },
      },
      successors: { 'messaging.conversations': cast.ben.id },
    };
    const departure = await over(owner(), await owner().post<Departure>(`/v1/users/${cast.ada.id}/deactivate`, body));
    expect(departure.status).toBe('completed');
    expect(await see(`/v1/conversations/${had.conversation}`)).toMatchObject({ assignee: { id: cast.ben.id } });
    expect(await see(`/v1/numbers/${had.number}`)).toMatchObject({ state: 'quarantined', ownerId: null });
    taken = had.chats[0]!;
    await cast.cleo.api.post(`/v1/live-chats/${taken}/take`);
  });

  it('restores everything that has not changed, and lists what it cannot restore', async () => {
    const returned = await back({ restore: 'all' });
    expect(returned).toMatchObject({
      transition: 'reactivated',
      status: 'completed',
      progress: { done: PARTICIPANTS.length, total: PARTICIPANTS.length },
    });
    expect(reported(returned)).toMatchObject({
      'messaging.live-chats': [2, 1, 'changed-since'],
      'messaging.conversations': [1, 0],
      'telephony.numbers': [1, 0],
      'automations.owned': [1, 0],
      'automations.any-triggers': [1, 0],
      'integrations.webhooks': [1, 0],
      'integrations.apps': [0, 1, 'cannot-be-restored'],
      'insights.shared-dashboards': [1, 0],
      'insights.public-links': [1, 0],
      'identity.sessions': [0, 1, 'cannot-be-restored'],
      'identity.seat': [1, 0],
    });
    expect(linesOf(returned).filter((line) => line.remaining !== 0)).toEqual([]);
    const { ada, cleo } = cast;
    expect(await chat(0)).toMatchObject({ status: 'open', operatorId: cleo.id });
    for (const n of [1, 2]) expect(await chat(n)).toMatchObject({ status: 'open', operatorId: ada.id });
    expect(await see(`/v1/conversations/${had.conversation}`)).toMatchObject({ assignee: { id: ada.id } });
    expect(await see(`/v1/numbers/${had.number}`)).toMatchObject({
      state: 'assigned',
      ownerId: ada.id,
      destinationUserId: ada.id,
      releaseAt: null,
    });
    expect(await see(`/v1/automations/${had.automation}`)).toMatchObject({ active: true });
    expect(await see(`/v1/webhooks/${had.webhook}`)).toMatchObject({ active: true });
    expect(await see(`/v1/dashboards/${had.dashboard}`)).toMatchObject({ ownerId: ada.id });
    expect(await see(had.publicUrl)).toMatchObject({ name: 'Team pipeline' });
    expect(await owner().all('/v1/apps')).toEqual([]);
    expect(await (await signIn(system, ada.email)).get('/v1/me')).toMatchObject({ id: ada.id });
  });

  it('undoes the rules in a list, and no others', async () => {
    const returned = await back({ restore: ['messaging.live-chats'] });
    // The number was to be released later; the return calls that off.
    expect(reported(returned)).toEqual({
      'messaging.live-chats': [2, 1, 'changed-since'],
      'telephony.numbers': [1, 0],
    });
    expect(await chat(1)).toMatchObject({ operatorId: cast.ada.id });
    expect(await see(`/v1/automations/${had.automation}`)).toMatchObject({ active: false });
    expect(await see(`/v1/conversations/${had.conversation}`)).toMatchObject({ assignee: { id: cast.ben.id } });
  });

  it('refuses unknown rules, and by default restores only what waited for its release', async () => {
    const ask = (restore: unknown) => owner().post(`/v1/users/${cast.ada.id}/reactivate`, { restore });
    expect(await owner().refusal(ask(['messaging.live-chats', 'messaging.telex']))).toMatchObject({
      status: 422,
      code: 'unknown-rule',
    });
    for (const restore of ['some', 1, [1], { all: true }])
      expect(await owner().refusal(ask(restore))).toMatchObject({ status: 400, code: 'validation' });
    expect(await see(`/v1/users/${cast.ada.id}`)).toMatchObject({ status: 'deactivated' });
    const returned = await back();
    expect(reported(returned)).toEqual({ 'telephony.numbers': [1, 0] });
    expect(await chat(1)).toMatchObject({ status: 'queued', operator: null });
    expect(await see(`/v1/numbers/${had.number}`)).toMatchObject({ state: 'assigned', ownerId: cast.ada.id });
    expect(await see(`/v1/webhooks/${had.webhook}`)).toMatchObject({ active: false });
  });
});

describe('a return', () => {
  let cast: Cast;
  beforeEach(async () => {
    cast = await anAccount(system, 'crm');
  });
  const owner = () => cast.owner.api;
  const ask = (id: string, path: string, body: Json = {}) => owner().post<Departure>(`/v1/users/${id}/${path}`, body);
  const wholeReturn = async (id: string) => over(owner(), await ask(id, 'reactivate', { restore: 'all' }), 60_000);

  it('that another departure overtakes loses nothing: the next one restores the rest', async () => {
    const { ada, ben } = cast;
    const contacts = 6_000;
    await owner().upload('/v1/contact-imports', contactsCsv([ada], contacts));
    const assigned = (id: string) =>
      countOf(system, 'contacts', 'select count(*) from contact where assignee = $1', [id]);
    const leave = {
      overrides: { 'contacts.assignments': 'transfer' },
      successors: { 'contacts.assignments': ben.id },
    };
    await over(owner(), await ask(ada.id, 'deactivate', leave), 60_000);
    expect(await assigned(ben.id)).toBe(contacts);
    await ask(ada.id, 'reactivate', { restore: 'all' });
    await ask(ada.id, 'deactivate', leave);
    const returned = await wholeReturn(ada.id);
    expect(linesOf(returned).find(({ rule }) => rule === 'contacts.assignments')).toMatchObject({ notRestored: 0 });
    expect([await assigned(ada.id), await assigned(ben.id)]).toEqual([contacts, 0]);
  }, 120_000);

  it('restores a number without the user who answered it and has left, and says so', async () => {
    const { ada, dan } = cast;
    const line = { e164: `+1415667${1000 + accounts}`, kind: 'personal', ownerId: ada.id, destinationUserId: dan.id };
    const { id } = await owner().post('/v1/numbers', line);
    const quarantine = { overrides: { 'telephony.numbers': { action: 'release-after', days: 7 } } };
    await over(owner(), await ask(ada.id, 'deactivate', quarantine));
    await over(owner(), await ask(dan.id, 'deactivate'));
    const returned = await wholeReturn(ada.id);
    expect(linesOf(returned).find(({ rule }) => rule === 'telephony.numbers')).toMatchObject({
      affected: 1,
      warning: 'partly-restored',
    });
    expect(await owner().get(`/v1/numbers/${id}`)).toMatchObject({ state: 'assigned', ownerId: ada.id });
  });

  it('of somebody who was only invited invites them again', async () => {
    const email = `uma@${cast.ada.email.split('@')[1]}`;
    const { id } = await owner().post('/v1/users', { name: 'Uma', email, staffId: 'HP-900' });
    await over(owner(), await ask(id as string, 'deactivate'));
    await wholeReturn(id as string);
    expect(await owner().get(`/v1/users/${id}`)).toMatchObject({ status: 'invited' });
  });
});

let system: System;
beforeAll(async () => {
  system = await System.start();
}, 60_000);
afterAll(() => system?.stop());
