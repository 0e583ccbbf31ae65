import { SCOPES } from '#libs/contracts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import type { Json } from './support/api.js';
import { anAccount, PASSWORD, signIn, type Cast } from './support/cast.js';
import { linesOf, watch, type Departure } from './support/departures.js';
import { commandLine, leaver } from './support/program.js';
import { CLIENT_ID, CLIENT_SECRET, OpenIdProvider } from '../services/identity/src/testing/openid-provider.js';
import { System } from './support/system.js';

let system: System;
let cast: Cast;
let token: string;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
  token = (await cast.owner.api.post('/v1/me/api-tokens', { name: 'Scripts', scopes: SCOPES })).token as string;
}, 90_000);
afterAll(() => system?.stop());

const { pipe, run, json } = commandLine(() => ({ url: system.url, token }));

it('the command line signs in users who have a second factor with a code of it', async () => {
  const { api, email } = cast.ben;
  const { secret } = await api.post('/v1/me/totp');
  const totp = new TOTP({ secret: Secret.fromBase32(secret as string) });
  const { recoveryCodes } = await api.post('/v1/me/totp/confirm', { code: totp.generate() });
  const [recoveryCode] = recoveryCodes as [string];
  const folder = await mkdtemp(join(tmpdir(), 'leaver-cli-'));
  const env = { LEAVER_HOME: folder, LEAVER_URL: system.url };
  const login = (...more: string[]) => leaver(['login', '--email', email, ...more], env, { input: `${PASSWORD}\n` });
  expect(await login()).toMatchObject({ exitCode: 2, messages: expect.stringContaining('--code') });
  expect((await login('--code', '000000')).exitCode).toBe(3);
  expect((await login('--code', recoveryCode)).exitCode).toBe(0);
  expect((await leaver(['logout'], env)).exitCode).toBe(0);
  await api.delete('/v1/me/totp');
  await rm(folder, { recursive: true });
});

describe('the command line locks a user out', () => {
  const comesIn = () =>
    signIn(system, cast.ada.email).then(
      () => true,
      () => false,
    );

  it('until they are resumed', async () => {
    expect(await json('suspend', cast.ada.staffId)).toMatchObject({ id: cast.ada.id, suspendedAt: expect.any(String) });
    expect(await comesIn()).toBe(false);
    expect(await run('resume', cast.ada.email)).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('is not suspended'),
    });
    expect(await comesIn()).toBe(true);
  });

  it('by ending the sessions only', async () => {
    const api = await signIn(system, cast.ben.email);
    expect(await run('sessions', 'end', cast.ben.id)).toMatchObject({ exitCode: 0, messages: '' });
    expect(await cast.owner.api.refusal(api.get('/v1/me'))).toMatchObject({ status: 401 });
    for (const wrong of [['sessions'], ['sessions', 'list', cast.ben.id], ['sessions', 'end']])
      expect((await run(...wrong)).exitCode).toBe(2);
  });

  it('and reports a refusal', async () => {
    expect(await run('suspend', cast.owner.id)).toMatchObject({
      exitCode: 1,
      messages: expect.stringContaining('forbidden'),
    });
  });
});

describe('the command line lists', () => {
  it('users who are suspended or leave soon, and departures, as tables and as JSON', async () => {
    const effectiveAt = new Date(system.clock.millis() + 5 * 86_400_000).toISOString();
    const { id } = await cast.owner.api.post(`/v1/users/${cast.cleo.id}/deactivate`, { effectiveAt });
    await cast.owner.api.post(`/v1/users/${cast.ada.id}/suspend`);
    const ids = async (...args: string[]) => (await json<{ items: Json[] }>(...args)).items.map((item) => item.id);
    expect(await ids('users', '--leaving-within', '30d')).toEqual([cast.cleo.id]);
    expect(await ids('users', '--suspended')).toEqual([cast.ada.id]);
    expect(await ids('users', '--left', '--holds')).toEqual([]);
    expect((await ids('users', '--limit', '2', '--sort', 'name')).length).toBe(2);
    expect(await ids('departures', '--user', cast.cleo.staffId, '--status', 'scheduled')).toEqual([id]);
    expect(await ids('departures', '--requested-by', cast.ben.id)).toEqual([]);
    expect(await run('departures')).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/deactivated +scheduled/),
    });
    expect(await run('users', '--q', cast.ada.email)).toMatchObject({
      out: expect.stringContaining('active, suspended'),
    });
    expect((await run('users', '--limit', 'many')).exitCode).toBe(2);
    expect((await run('users', '--sort', 'size')).exitCode).toBe(1);
  });

  it('the audit trail, as CSV and as lines of JSON', async () => {
    const { out, exitCode } = await run('audit', 'export', '--subject', cast.ada.email);
    expect([exitCode, out.split('\r\n')[0]]).toEqual([0, expect.stringMatching(/^id,seq,at,action,/)]);
    const lines = await run('audit', 'export', '--format', 'ndjson', '--action', 'user.suspended');
    expect(JSON.parse(lines.out.split('\n')[0]!)).toMatchObject({ subject: { id: cast.ada.id } });
    expect((await run('audit', 'export', '--format', 'xml')).exitCode).toBe(1);
    expect((await run('audit', 'print')).exitCode).toBe(2);
  });
});

it('the command line shows what a list would do, and changes nothing', async () => {
  const words = ['bulk', '-', '--transition', 'deactivated', '--dry-run'];
  const list = `staffId,successorStaffId\n${cast.dan.staffId},${cast.ben.staffId}\nno such id,\n`;
  const shown = await pipe(list, ...words);
  expect(shown).toMatchObject({ exitCode: 1, messages: '' });
  expect(shown.out).toMatch(/If these users are deactivated[^]*1 can leave, 1 refused[^]*no such id +unknown-user/);
  const plan = JSON.parse((await pipe(list, ...words, '--json')).out) as { items: Json[]; planToken: string };
  expect(plan).toMatchObject({ dryRun: true, status: 'completed', planToken: expect.any(String) });
  expect(plan.items).toMatchObject([
    { staffId: cast.dan.staffId, userId: cast.dan.id, possible: true, blockers: [] },
    { staffId: 'no such id', userId: null, possible: false, blockers: [{ code: 'unknown-user' }] },
  ]);
  const { api } = cast.owner;
  expect(await api.get(`/v1/users/${cast.dan.id}`)).toMatchObject({ status: 'active' });
  const users = [{ userId: cast.dan.id }];
  const refused = api.post('/v1/departures/bulk', { transition: 'deactivated', users, planToken: plan.planToken });
  expect(await api.refusal(refused)).toMatchObject({ status: 409, code: 'plan-stale' });
});

it.each(['CSV', 'JSON'])('the command line tells contacts of a list in %s', async (format) => {
  const { owner, dan } = cast;
  const list =
    format === 'CSV' ? `staffId\n${dan.staffId}\n` : JSON.stringify({ users: [{ userId: dan.id }], reason: 'Moved' });
  const at = ['--tell', 'Dan leaves.', '--alternative-number', '+14155550123'];
  const words = ['bulk', '-', '--transition', 'deactivated', '--dry-run', '--json'];
  expect(await pipe(list, ...words, ...at)).toMatchObject({
    exitCode: 1,
    messages: expect.stringContaining('alternative number'),
  });
  const plan = JSON.parse((await pipe(list, ...words, '--tell', 'Dan leaves.')).out) as { planToken: string };
  const { planToken } = plan;
  const body = { transition: 'deactivated', users: [{ userId: dan.id }], planToken };
  const other = owner.api.post('/v1/departures/bulk', { ...body, tellContacts: { text: 'Another text' } });
  expect(await owner.api.refusal(other)).toMatchObject({ status: 409, code: 'plan-stale' });
  expect((await pipe(list, ...words, '--alternative-number', '+14155550123')).exitCode).toBe(2);
});

it('the command line lists the rows behind a count, before and after', async () => {
  const { owner, cleo, dan } = cast;
  for (const type of ['deal', 'task'])
    await owner.api.post('/v1/records', { type, title: `The ${type}`, ownerId: cleo.id });
  const before = await run('preview', cleo.staffId, '--rows', 'contacts.records');
  expect(before).toMatchObject({ exitCode: 0, messages: '' });
  expect(before.out).toMatch(/contacts\.records \(deal\) {2}deactivated: 1\n.*\n {2}deal {2}The deal {2}Cleo/);

  const moved = ['--override', 'contacts.records=transfer', '--successor', dan.email, '--yes', '--watch'];
  const { id } = await json<{ id: string }>('deactivate', cleo.staffId, ...moved);
  const { lines } = await json<{ lines: Json[] }>('status', id, '--rows', 'contacts.records');
  expect(lines.find(({ part }) => part === 'task')).toMatchObject({
    ...{ transition: 'deactivated', count: 1, complete: true },
    rows: [{ type: 'task', label: 'The task', now: { user: { id: dan.id } } }],
  });
  const seat = await run('status', id, '--rows', 'identity.seat');
  expect(seat).toMatchObject({ exitCode: 0, out: expect.stringContaining('No record is kept of each row.') });
  expect(await run('status', id, '--rows', 'contacts.nothing')).toMatchObject({
    exitCode: 1,
    messages: expect.stringContaining('no line of the rule contacts.nothing'),
  });
}, 60_000);

it('the command line gives the rows of a leaver to a team, and reports the part of each member', async () => {
  const { api } = cast.owner;
  const { id: teamId } = await api.post('/v1/teams', { name: 'Sales' });
  const invite = async (name: string, teamIds: string[]) => {
    const who = { name, email: `${name.toLowerCase()}@sales.example`, staffId: `S ${name}` };
    return (await api.post('/v1/users', { ...who, password: PASSWORD, teamIds })).id as string;
  };
  const members = [String(teamId)];
  const [una, vic, wim] = [await invite('Una', []), await invite('Vic', members), await invite('Wim', members)];
  for (const ownerId of [una, una, una, vic]) await api.post('/v1/records', { type: 'deal', title: 'A deal', ownerId });
  const toTeam = ['--override', 'contacts.records=transfer', '--successor', 'team:sales:fewest-open'];
  const { id, services } = await json<Json & { services: { rules: Json[] }[] }>(
    ...['deactivate', 'S Una', ...toTeam, '--yes', '--watch'],
  );
  const deals = services.flatMap(({ rules }) => rules).find(({ part }) => part === 'deal');
  const shares = [
    { userId: vic, affected: 1 },
    { userId: wim, affected: 2 },
  ];
  expect(deals).toMatchObject({ affected: 3, transferredTo: expect.arrayContaining(shares) });
  expect((await run('status', String(id))).out).toContain(`${wim} 2`);
  const part = await json<{ parts: Json[] }>('handover', String(id), '--receiver', 'S Wim');
  expect(part.parts).toMatchObject([{ receiver: { id: wim }, received: [{ part: 'deal', affected: 2 }] }]);
}, 60_000);

it('the command line reports who has got what from a leaver, as tables, as JSON and as a CSV file', async () => {
  const { ben, dan } = cast;
  await dan.api.post('/v1/dashboards', { name: 'Calls', shared: true });
  const { id } = await json('deactivate', dan.email, '--successor', ben.staffId, '--yes', '--watch');
  const departure = String(id);
  const own = ['handover', departure, '--receiver', ben.email];
  expect(await json<{ parts: Json[] }>(...own)).toMatchObject({
    departureId: id,
    user: { id: dan.id, status: 'deactivated' },
    parts: [{ receiver: { id: ben.id } }],
  });
  expect((await run('handover', departure)).out).toMatch(/\n +insights\.shared-dashboards +Shared dashboards +1\n/);
  expect((await run(...own, '--csv')).out).toContain(
    `\r\n${ben.id},${ben.name},received,insights,insights.shared-dashboards,,Shared dashboards,deactivated,1,`,
  );
});

it('the command line hands rows over while the user stays, and the later departure handles the rest', async () => {
  const { owner, ben } = cast;
  const api = await signIn(system, ben.email);
  await owner.api.upload('/v1/contact-imports', 'ContactId,Name,Phone\nC-77,A customer,+14155557777');
  const [contact] = (await owner.api.get<{ items: Json[] }>('/v1/contacts?limit=1')).items;
  const inbox = await api.post('/v1/inboxes', { kind: 'shared', name: 'Support', memberIds: [ben.id] });
  const conversation = { contactId: contact!.id, inboxId: inbox.id, assignee: ben.id, status: 'open' };
  const conversations = [1, 2].map(async () => (await api.post('/v1/conversations', conversation)).id as string);
  const dashboard = await api.post('/v1/dashboards', { name: 'Pipeline', shared: true });
  const rules = ['insights.shared-dashboards', 'messaging.conversations'];
  const words = ['reassign', ben.email, '--rules', rules.join(), '--to', owner.id];
  await Promise.all(conversations);

  const planned = await run(...words, '--dry-run');
  expect(planned).toMatchObject({ exitCode: 0, messages: '' });
  expect(planned.out).toMatch(/hands over to[^]*conversations .*transfer +2[^]*shared-dashboards .*transfer +\d/);
  expect((await run(...words)).exitCode).toBe(2);
  expect(await run('reassign', ben.email, '--rules', 'identity.sessions', '--to', owner.id, '--yes')).toMatchObject({
    exitCode: 1,
    messages: expect.stringContaining('cannot be handed over: identity.sessions'),
  });
  const done = await json<Departure>(...words, '--yes', '--watch');
  expect(done).toMatchObject({ transition: 'reassigned', status: 'completed', userId: ben.id });
  expect(linesOf(done).map(({ rule, transition }) => `${rule} ${transition}`)).toEqual(
    rules.map((rule) => `${rule} reassigned`),
  );
  expect((await watch(system, token, done)).last).toMatchObject({ status: 'completed' });
  expect((await json<{ items: Json[] }>('departures', '--transition', 'reassigned')).items).toHaveLength(1);

  expect(await api.get('/v1/me')).toMatchObject({ status: 'active' });
  const ofOwner = { owner: { id: owner.id } };
  expect(await owner.api.get(`/v1/dashboards/${dashboard.id}`)).toMatchObject(ofOwner);
  const late = await api.post('/v1/dashboards', { name: 'Farewell', shared: true });
  const left = await json<Departure>('deactivate', ben.email, '--yes', '--watch');
  expect(linesOf(left).filter(({ rule }) => rules.includes(rule))).toMatchObject([{ affected: 1 }, { affected: 0 }]);
  expect(await owner.api.get(`/v1/dashboards/${late.id}`)).toMatchObject(ofOwner);
}, 90_000);

it('the command line shows the day on which the policy deletes a user, before and after', async () => {
  const { api } = cast.owner;
  const who = { name: 'Ivy', email: 'ivy@crm.example', staffId: 'ID Ivy', password: PASSWORD, roles: ['agent'] };
  const { id } = await api.post('/v1/users', who);
  await api.put('/v1/policy', { eraseAfterDays: 30 });
  const { out } = await run('preview', id as string);
  const { erasesAt } = await json<{ erasesAt: string }>('preview', id as string);
  expect(out).toContain(`By the policy the user is deleted on ${erasesAt.slice(0, 10)}.`);
  await run('deactivate', id as string, '--yes', '--watch');
  const query = `userId=${id as string}&transition=deleted`;
  const [deletion] = (await api.get<{ items: Json[] }>(`/v1/departures?${query}`)).items;
  expect((await run('status', deletion!.id as string)).out).toContain(
    `for ${deletion!.effectiveAt as string}, by the policy`,
  );
});

it('the command line shows what single sign-on needs', async () => {
  const provider = await OpenIdProvider.start({ redirectUri: 'https://leaver.example.com/callback' });
  try {
    expect(await run('sso')).toMatchObject({ exitCode: 1, messages: expect.stringContaining('not-found') });
    const client = { issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };
    await cast.owner.api.put('/v1/account/sso', { ...client, domains: ['acme.invalid'] });
    const record = /acme\.invalid: not verified: set the TXT record _leaver\.acme\.invalid to leaver-/;
    for (const words of [['sso'], ['sso', 'verify']])
      expect(await run(...words)).toMatchObject({ exitCode: 1, out: expect.stringMatching(record) });
    expect((await run('sso', 'set')).exitCode).toBe(2);
  } finally {
    await provider.stop();
  }
});
