import { anAccount, PASSWORD, signIn, type Cast, type Member } from '../support/cast.js';
import type { Api, Json } from '../support/api.js';
import { aColleague, trail } from '../around-a-departure/people.js';
import { over, type Departure } from '../support/departures.js';
import { Listener } from '../support/observers/listener.js';
import { reasonOf, ScimApi, type ScimAnswer } from '../support/scim-api.js';
import { System } from '../support/system.js';

/** What one person made for another, or for a program, does not outlive what that person may do. */
let system: System;
let listener: Listener;
let cast: Cast;
let owner: Api;
beforeAll(async () => {
  system = await System.start();
  listener = await Listener.on(system);
}, 120_000);
beforeEach(async () => {
  cast = await anAccount(system, 'helpdesk');
  owner = cast.owner.api;
});
afterAll(async () => {
  await listener?.stop();
  await system?.stop();
}, 30_000);

const set = (path: string, value: unknown) => [{ op: 'replace', path, value }];
const emails = (value: string) => [{ value, type: 'work', primary: true }];
const refusal = (call: Promise<unknown>) => owner.refusal(call);
const userOf = (id: string) => owner.get(`/v1/users/${id}`);
const deactivate = async ({ id }: { id: string }, body: Json = {}) =>
  over(owner, await owner.post<Departure>(`/v1/users/${id}/deactivate`, body));
const SCIM_TOKENS = '/v1/account/scim-tokens';

/** Every request with which a provider could let this user in. */
function letIn(scim: ScimApi, { id, email, name }: Member): Record<string, () => Promise<ScimAnswer>> {
  const path = `/Users/${id}`;
  const stolen = `thief-${id}@example.com`;
  return {
    'PATCH active': () => scim.patch(path, set('active', true)),
    'PATCH active in a value': () => scim.patch(path, [{ op: 'Replace', value: { active: 'True' } }]),
    'PATCH email': () => scim.patch(path, set('emails[type eq "work"].value', stolen)),
    'PATCH emails': () => scim.patch(path, set('emails', emails(stolen))),
    'PATCH userName': () => scim.patch(path, set('userName', stolen)),
    'PUT active': () => scim.put(path, { userName: email, displayName: name, active: true }),
    'PUT email': () => scim.put(path, { userName: email, displayName: name, emails: emails(stolen) }),
    'PUT userName': () => scim.put(path, { userName: stolen, displayName: name }),
    'PATCH password': () => scim.patch(path, set('password', 'chosen by a thief')),
    'PUT password': () => scim.put(path, { userName: email, displayName: name, password: 'chosen by a thief' }),
    'PATCH roles': () => scim.patch(path, set('roles', [{ value: 'owner' }])),
    'PUT roles': () => scim.put(path, { userName: email, displayName: name, roles: [{ value: 'owner' }] }),
    POST: () => scim.post('/Users', { userName: email, displayName: name, password: 'chosen by a thief' }),
  };
}

/** What SCIM ignores, or answers as a repetition, has no effect; everything else has to be refused. */
const HARMLESS = /password|roles|^POST$/;

describe('an admin who has left', () => {
  it('does not come back with a SCIM token of theirs, although the policy keeps it; offboarding goes on', async () => {
    const { ada, ben, dan } = cast;
    const scim = await ScimApi.madeBy(system, cast.owner, ada);
    await owner.put('/v1/policy', { overrides: { 'identity.provisioning-tokens': { deactivated: 'keep' } } });
    await deactivate(ada);
    const attempts = {
      ...letIn(scim, ada),
      'POST somebody else': () => scim.post('/Users', { userName: 'new@example.com', password: 'chosen by a thief' }),
      'another admin’s address': () => scim.patch(`/Users/${ben.id}`, set('userName', 'taken@example.com')),
      'a group': () => scim.post('/Groups', { displayName: 'Thieves', members: [{ value: dan.id }] }),
    };
    for (const [name, attempt] of Object.entries(attempts)) {
      const answer = await attempt();
      if (!/password|roles/.test(name) || name === 'POST somebody else')
        expect([name, reasonOf(answer)]).toMatchObject([name, { status: 403, code: 'forbidden' }]);
      expect(await refusal(signIn(system, ada.email))).toMatchObject({ code: 'account-inactive' });
    }
    expect(await userOf(ben.id)).toMatchObject({ email: ben.email });
    expect((await scim.get('/Users')).status).toBe(200);
    expect((await scim.patch(`/Users/${dan.id}`, set('active', false))).status).toBe(200);
    expect((await trail(owner, 'action=scim.refused')).length).toBeGreaterThan(5);
  });

  it('has no token that works under the default policy', async () => {
    const scim = await ScimApi.madeBy(system, cast.owner, cast.ada);
    await deactivate(cast.ada);
    expect((await scim.patch(`/Users/${cast.ada.id}`, set('active', true))).status).toBe(401);
  });

  it('who does not manage users any more has none either', async () => {
    const scim = await ScimApi.madeBy(system, cast.owner, cast.ada);
    expect((await scim.get('/Users?count=0')).status).toBe(200);
    await owner.patch(`/v1/users/${cast.ada.id}`, { roles: ['agent'] });
    expect((await scim.get('/Users?count=0')).status).toBe(401);
  });
});

describe('SCIM tokens', () => {
  it('are created, listed and revoked by owners only; the list shows creator, last use and end', async () => {
    await ScimApi.connect(system, owner).then((scim) => scim.get('/Users?count=0'));
    const { items } = await owner.get<{ items: Json[] }>(SCIM_TOKENS);
    expect(items).toMatchObject([{ createdBy: { id: cast.owner.id }, lastUsedAt: expect.any(String) }]);
    const lifetime = Date.parse(items[0]!.expiresAt as string) - system.clock.millis();
    expect(Math.round(lifetime / 86_400_000)).toBe(365);
    for (const { api } of [cast.ada, cast.cleo])
      for (const call of [
        () => api.post(SCIM_TOKENS, { name: 'Mine' }),
        () => api.get(SCIM_TOKENS),
        () => api.delete(`${SCIM_TOKENS}/${items[0]!.id as string}`),
      ])
        expect(await refusal(call())).toMatchObject({ status: 403, code: 'forbidden' });
  });

  it('are named in the trail by each change, and by one entry an hour for everything that they are used for', async () => {
    const scim = await ScimApi.connect(system, owner);
    const { items } = await owner.get<{ items: Json[] }>(SCIM_TOKENS);
    const tokenId = items[0]!.id;
    for (let n = 0; n < 3; n++) await scim.get('/Users');
    const { body } = await scim.post('/Users', { userName: `new-${cast.owner.id}@example.com`, displayName: 'New' });
    await scim.patch(`/Users/${body.id}`, set('displayName', 'Newer'));
    await scim.post('/Groups', { displayName: 'Newcomers', members: [{ value: body.id }] });
    await scim.patch(`/Users/${body.id}`, set('active', false));
    const byProvider = await trail(owner, 'limit=200').then((all) =>
      all.filter(({ system: by }) => by === 'system (scim)'),
    );
    expect(new Set(byProvider.map(({ action }) => action))).toEqual(
      new Set([
        ...['user.invited', 'user.updated', 'team.created', 'team.member-added', 'user.deactivated'],
        'scim-token.used',
      ]),
    );
    for (const entry of byProvider) expect(entry).toMatchObject({ tokenId });
    expect(await trail(owner, 'action=scim-token.used')).toHaveLength(1);
    expect(await owner.get('/v1/audit/verify')).toMatchObject({ valid: true });
  });
});

describe('an identity provider', () => {
  let scim: ScimApi;
  let boss: Member;
  beforeEach(async () => {
    scim = await ScimApi.connect(system, owner);
    boss = await aColleague(system, cast, 'owner');
  });

  it('changes nothing that lets an owner in, and can still take the owner’s access away', async () => {
    const before = await userOf(boss.id);
    for (const [name, attempt] of Object.entries(letIn(scim, boss))) {
      const answer = await attempt();
      const changesNothing = HARMLESS.test(name) || /active/.test(name);
      if (!changesNothing) expect([name, reasonOf(answer)]).toMatchObject([name, { status: 403, code: 'forbidden' }]);
      expect([name, await userOf(boss.id)]).toEqual([name, before]);
      expect(await signIn(system, boss.email)).toBeDefined();
    }
    const renamed = await scim.put(`/Users/${boss.id}`, { userName: boss.email, displayName: 'Robin Renamed' });
    expect(renamed).toMatchObject({ status: 200, body: { displayName: 'Robin Renamed' } });
    const left = { userName: `gone-${boss.email}`, displayName: 'Robin Renamed', active: false };
    const answer = await scim.put(`/Users/${boss.id}`, left);
    expect(answer).toMatchObject({ status: 200, body: { active: false, userName: boss.email } });
    expect(await refusal(signIn(system, boss.email))).toMatchObject({ code: 'account-inactive' });
  });

  it('does not reactivate an owner', async () => {
    await deactivate(boss);
    for (const [name, attempt] of Object.entries(letIn(scim, boss))) {
      const answer = await attempt();
      if (!/password|roles/.test(name))
        expect([name, reasonOf(answer)]).toMatchObject([name, { status: 403, code: 'forbidden' }]);
      expect([name, await userOf(boss.id)]).toMatchObject([name, { status: 'deactivated', email: boss.email }]);
    }
    expect((await scim.get(`/Users/${boss.id}`)).body).toMatchObject({ active: false });
    expect((await trail(owner, `action=scim.refused&subjectId=${boss.id}`))[0]).toMatchObject({
      system: 'system (scim)',
      tokenId: expect.any(String),
    });
  });

  it('makes nobody an owner', async () => {
    const { dan } = cast;
    const roles = [{ value: 'owner', primary: true }];
    const group = { displayName: 'owner', members: [{ value: dan.id }], roles };
    const created = await scim.post('/Users', { userName: `up-${dan.id}@example.com`, displayName: 'Up', roles });
    const answers = [
      await scim.patch(`/Users/${dan.id}`, set('roles', roles)),
      await scim.patch(`/Users/${dan.id}`, [{ op: 'add', value: { roles, role: 'owner' } }]),
      await scim.put(`/Users/${dan.id}`, { userName: dan.email, displayName: dan.name, roles }),
      await scim.post('/Groups', group),
    ];
    for (const { status } of answers) expect([200, 201, 400]).toContain(status);
    for (const id of [dan.id, created.body.id as string]) expect(await userOf(id)).toMatchObject({ roles: ['agent'] });
  });
});

describe('what was mailed to let a user in', () => {
  const confirm = (token: string) =>
    system.api().post('/v1/auth/password-reset/confirm', { token, password: 'chosen by a stranger' });
  const accept = (token: string) => system.api().post('/v1/invitations/accept', { token, password: PASSWORD });
  const reactivate = (id: string) => owner.post(`/v1/users/${id}/reactivate`);
  const bulk = async (userId: string) => {
    const { id } = await owner.post('/v1/departures/bulk', { transition: 'deactivated', users: [{ userId }] });
    await over(owner, { id: `bulk/${id as string}` });
  };
  let scim: ScimApi;
  beforeEach(async () => {
    scim = await ScimApi.connect(system, owner);
  });
  let n = 0;
  const next = () => ({ name: 'Nell', email: `nell-${++n}-${cast.owner.id}@example.com`, staffId: `N-${n}` });

  const WAYS: Record<string, (id: string) => Promise<unknown>> = {
    'a change of the address by REST': (id) => owner.patch(`/v1/users/${id}`, { email: next().email }),
    'a change of the address by SCIM': (id) => scim.patch(`/Users/${id}`, set('userName', next().email)),
    'a transfer': (id) => owner.post(`/v1/users/${id}/transfer`, next()),
    'a deactivation': (id) => deactivate({ id }),
    'a return': async (id) => {
      await deactivate({ id });
      await reactivate(id);
    },
    'a bulk departure and a return': async (id) => {
      await bulk(id);
      await reactivate(id);
    },
    'a departure and a return by SCIM': async (id) => {
      await scim.patch(`/Users/${id}`, set('active', false));
      await scim.patch(`/Users/${id}`, set('active', true));
    },
    'a deletion': async (id) => over(owner, await owner.post<Departure>(`/v1/users/${id}/delete`)),
  };

  it.each(Object.entries(WAYS))('ends with %s', async (_, change) => {
    const active = await aColleague(system, cast);
    await system.api().post('/v1/auth/password-reset', { email: active.email });
    const reset = await listener.mailedTo(active.email);
    const invited = next();
    const { id } = await owner.post('/v1/users', invited);
    const invitation = await listener.mailedTo(invited.email);
    await change(active.id);
    await change(id as string);
    expect(await refusal(confirm(reset))).toMatchObject({ status: 410 });
    expect(await refusal(accept(invitation))).toMatchObject({ status: 410 });
  });

  it('ends with its use and with a change of the password', async () => {
    const invited = next();
    await owner.post('/v1/users', invited);
    const invitation = await listener.mailedTo(invited.email);
    await accept(invitation);
    expect(await refusal(accept(invitation))).toMatchObject({ status: 410 });
    await system.api().post('/v1/auth/password-reset', { email: invited.email });
    const reset = await listener.mailedTo(invited.email);
    const self = await signIn(system, invited.email);
    const password = { password: 'another long password', currentPassword: PASSWORD };
    await self.patch(`/v1/users/${(await self.get('/v1/me')).id as string}`, password);
    expect(await refusal(confirm(reset))).toMatchObject({ status: 410 });
  });
});
