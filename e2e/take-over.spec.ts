import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connectNats, USERS } from '#libs/broker';
import { userSubject } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import type { Api, Json } from './support/api.js';
import { anAccount, PASSWORD, signIn, type Cast, type Member } from './support/cast.js';
import { counts, linesOf, over, type Departure } from './support/departures.js';
import { mailsDuring } from './support/mail.js';
import { story } from './support/story.js';
import { System } from './support/system.js';

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
const create = async (api: Api, path: string, body: Json) => (await api.post(path, body)).id as string;
const aPerson = () => ({ name: 'Nell Newcomer', email: `nell${++issued}@takeover.example`, staffId: `NELL-${issued}` });
const takeOver = ({ owner }: Cast, { id }: Member, to = aPerson()) =>
  owner.api.post<Json & { departureId: string }>(`/v1/users/${id}/transfer`, to);
const departureOf = ({ owner }: Cast, id: string, timeout?: number) => over(owner.api, { id }, timeout);

describe('a take-over ends what is the former person’s own:', () => {
  let cast: Cast;
  let server: Server;
  let received: { path: string; signature: string }[];
  let hook: string;
  let nell: Api;
  let departure: Departure;
  let previewed: Record<string, number>;
  const to = aPerson();
  const own = { syncs: [] as string[], apiToken: '', scimToken: '', invitation: '', slug: '', publicUrl: '' };
  const ids = { app: '', sharedApp: '', webhook: '', link: '', source: '' };
  const stays = { number: '', dashboard: '', automation: '', record: '', segment: '' };

  beforeAll(async () => {
    cast = await anAccount(system, 'helpdesk');
    received = [];
    server = createServer((request, response) => {
      received.push({ path: request.url!, signature: String(request.headers['webhook-signature']) });
      response.writeHead(204).end();
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }, 60_000);
  afterAll(() => server?.close());

  const step = story(180_000);

  step('the receipts have the counts of the preview, and the proof finds nothing', async () => {
    const { ada, owner } = cast;
    const { id } = ada;
    // Only owners create tokens for identity providers. The change of the role ends the session.
    await owner.api.patch(`/v1/users/${id}`, { roles: ['owner'] });
    const api = await signIn(system, ada.email);
    for (const kind of ['email', 'contact', 'calendar', 'drive'])
      own.syncs.push(await create(api, '/v1/account-syncs', { kind, provider: 'google', grant: 'a grant of Ada' }));
    own.apiToken = (await api.post('/v1/me/api-tokens', { name: 'Laptop', scopes: ['read', 'write'] })).token as string;
    own.scimToken = (await api.post('/v1/account/scim-tokens', { name: 'Directory' })).token as string;
    const guest = { name: 'Ina Guest', email: `ina${++issued}@guests.example`, staffId: `INA-${issued}` };
    own.invitation = ((await api.post('/v1/users', guest)).invitation as Json).token as string;
    own.slug = `ada-${issued}`;
    ids.link = await create(api, '/v1/scheduler-links', { slug: own.slug, title: 'Meet Ada' });
    ids.app = await create(api, '/v1/apps', { appId: 'calendar', accessToken: 'of the calendar' });
    ids.sharedApp = await create(api, '/v1/apps', { appId: 'dialer', shared: true, accessToken: 'of the dialer' });
    ids.webhook = await create(api, '/v1/webhooks', { url: `${hook}/ada`, events: ['app.installed'] });
    await create(owner.api, '/v1/webhooks', { url: `${hook}/owner`, events: ['app.installed'] });
    const login = { kind: 'sftp', host: 'files.example.com', username: 'export', password: 'of the folder' };
    ids.source = await create(api, '/v1/import-sources', { ...login, active: false });
    stays.dashboard = await create(api, '/v1/dashboards', { name: 'Pipeline', shared: true });
    own.publicUrl = (await api.post('/v1/public-links', { dashboardId: stays.dashboard })).url as string;
    stays.number = await create(api, '/v1/numbers', {
      e164: `+1415557${1000 + issued}`,
      kind: 'personal',
      ownerId: id,
    });
    stays.automation = await create(api, '/v1/automations', { name: 'Welcome', trigger: { kind: 'any' } });
    stays.record = await create(api, '/v1/records', { type: 'deal', title: 'A deal' });
    stays.segment = await create(api, '/v1/segments', { name: 'Freshmen', definition: { grade: 9 } });

    const preview = await owner.api.get<{ possible: boolean; rules: []; warnings: Json[] }>(
      `/v1/users/${id}/departure-preview?transition=transferred`,
    );
    previewed = counts(preview.rules);
    expect(preview).toMatchObject({ possible: true, contactsToTell: [] });
    expect(preview.warnings.map(({ rule }) => rule)).toEqual([
      'identity.provisioning-tokens',
      'contacts.import-sources',
      'integrations.shared-apps',
    ]);

    const mails = await mailsDuring(system.mailboxes, 2, async () => {
      const taken = await takeOver(cast, ada, to);
      expect(taken).toMatchObject({ id, ...to, roles: ['owner'], teamIds: [cast.teamId] });
      departure = await departureOf(cast, taken.departureId);
    });
    await system
      .api()
      .post('/v1/auth/password-reset/confirm', { token: mails.get('password-reset')!.token, password: PASSWORD });
    nell = await signIn(system, to.email);

    expect(departure).toMatchObject({ transition: 'transferred', status: 'completed', userId: id });
    expect(counts(linesOf(departure))).toEqual(previewed);
    expect(linesOf(departure).filter((line) => line.remaining !== 0)).toEqual([]);
    expect(previewed).toMatchObject({
      'transferred identity.sessions': 2,
      'transferred identity.api-tokens': 1,
      'transferred identity.invitations': 1,
      'transferred identity.credentials': 1,
      'transferred identity.provisioning-tokens': 1,
      'transferred contacts.import-sources': 1,
      'transferred integrations.apps': 1,
      'transferred integrations.shared-apps': 1,
      'transferred integrations.webhooks': 1,
      'transferred integrations.account-syncs calendar': 1,
      'transferred integrations.scheduler-links': 1,
      'transferred insights.public-links': 1,
    });
    expect(await items(owner.api, `/v1/departures?userId=${id}`)).toMatchObject([{ id: departure.id }]);
    const certificate = owner.api.get(`/v1/departures/${departure.id}/certificate`);
    expect(await statusOf(certificate, owner.api)).toBe(409);
    const { items: trail } = await owner.api.get<{ items: Json[] }>(
      `/v1/audit?subjectId=${id}&action=user.transferred`,
    );
    expect(trail).toMatchObject([{ actor: { id: owner.id }, detail: { ...to, departureId: departure.id } }]);
  });

  step('tokens, invitations and links that the former person knows open nothing', async () => {
    for (const token of [own.apiToken, own.scimToken]) {
      const path = token === own.scimToken ? '/scim/v2/Users' : '/v1/me';
      expect(await statusOf(system.api(token).get(path), system.api(token))).toBe(401);
    }
    const anybody = system.api();
    const accept = anybody.post('/v1/invitations/accept', { token: own.invitation, password: PASSWORD });
    expect(await statusOf(accept, anybody)).toBe(410);
    expect(await statusOf(anybody.get(`/m/${own.slug}`), anybody)).toBe(410);
    expect(await statusOf(anybody.get(own.publicUrl), anybody)).toBe(404);
  });

  step('syncs, apps and import sources have no grant left, and a source needs a password again', async () => {
    for (const id of own.syncs)
      expect(await nell.get(`/v1/account-syncs/${id}`)).toMatchObject({ status: 'stopped', ownerId: cast.ada.id });
    for (const id of [ids.app, ids.sharedApp])
      expect(await nell.get(`/v1/apps/${id}`)).toMatchObject({ status: 'uninstalled' });
    const source = `/v1/import-sources/${ids.source}`;
    expect(await nell.get(source)).toMatchObject({ active: false, ownerId: cast.ada.id });
    expect(await nell.refusal(nell.patch(source, { active: true }))).toMatchObject({ code: 'validation' });
    expect(await nell.patch(source, { password: 'another one' })).toMatchObject({ active: false });
  });

  step('the webhook is silent until its secret is rotated', async () => {
    const webhook = `/v1/webhooks/${ids.webhook}`;
    const install = () => create(cast.owner.api, '/v1/apps', { appId: 'maps' });
    const at = (path: string) => received.filter((one) => one.path === path).length;
    await install();
    await eventually(() => expect(at('/owner')).toBe(1));
    expect(at('/ada')).toBe(0);
    expect(await nell.refusal(nell.post(`${webhook}/test`))).toMatchObject({ code: 'conflict' });
    expect(await nell.refusal(nell.patch(webhook, { active: true }))).toMatchObject({ code: 'conflict' });
    const rotated = await nell.post(`${webhook}/rotate-secret`);
    expect(rotated).toMatchObject({ secret: expect.stringMatching(/^whsec_/), formerSecretUntil: null });
    await nell.patch(webhook, { active: true });
    await install();
    await eventually(() => expect(at('/ada')).toBe(1));
    // Signed with the new secret only.
    expect(received.findLast(({ path }) => path === '/ada')!.signature.split(' ')).toHaveLength(1);
  });

  step('everything else is untouched', async () => {
    const { ada, owner } = cast;
    const owned = { ownerId: ada.id, owner: { id: ada.id, name: to.name } };
    expect(await owner.api.get(`/v1/numbers/${stays.number}`)).toMatchObject({ ownerId: ada.id, state: 'assigned' });
    expect(await owner.api.get(`/v1/dashboards/${stays.dashboard}`)).toMatchObject({ ...owned, shared: true });
    expect(await owner.api.get(`/v1/automations/${stays.automation}`)).toMatchObject({ ...owned, active: true });
    expect(await owner.api.get(`/v1/records/${stays.record}`)).toMatchObject(owned);
    expect(await owner.api.get(`/v1/segments/${stays.segment}`)).toMatchObject(owned);
    expect(await owner.api.get(`/v1/users/${ada.id}`)).toMatchObject({ status: 'active', roles: ['owner'] });
  });

  step('what the new person grants stays, whatever repeats the event, and no verification counts it', async () => {
    const grant = { status: 'active', grant: 'a grant of Nell' };
    for (const id of own.syncs) await nell.patch(`/v1/account-syncs/${id}`, grant);
    await nell.patch(`/v1/scheduler-links/${ids.link}`, { status: 'active' });
    const nats = await connectNats({ url: system.brokerUrl('identity-streams'), name: 'take-over' });
    const { streams, consumers } = await jetstreamManager(nats);
    const subject = userSubject('user.transferred', (await nell.get('/v1/account')).id as string, cast.ada.id);
    const event = (await streams.getMessage(USERS.name, { last_by_subj: subject }))!;
    for (let n = 0; n < 3; n++) await jetstream(nats).publish(subject, event.data);
    await eventually(async () => {
      const { num_pending: waiting, num_ack_pending: delivered } = await consumers.info(
        USERS.name,
        'integrations-users',
      );
      expect([waiting, delivered]).toEqual([0, 0]);
    });
    await nats.close();
    for (const id of own.syncs) expect(await nell.get(`/v1/account-syncs/${id}`)).toMatchObject({ status: 'active' });
    expect(await system.api().get(`/m/${own.slug}`)).toMatchObject({ hostName: to.name });
    const { id } = await cast.owner.api.post('/v1/departures/verify');
    await eventually(async () => {
      const found = await cast.owner.api.get(`/v1/departures/verify/${id as string}`);
      expect(found).toMatchObject({ status: 'completed', broken: [] });
    });
  });

  step('nobody takes over their own user, and nobody one who is under legal hold', async () => {
    const { ben, cleo, owner } = cast;
    const itself = ben.api.post(`/v1/users/${ben.id}/transfer`, aPerson());
    expect(await ben.api.refusal(itself)).toMatchObject({ code: 'forbidden' });
    await owner.api.put(`/v1/users/${cleo.id}/legal-hold`, { reason: 'A case' });
    expect(await owner.api.refusal(takeOver(cast, cleo))).toMatchObject({ code: 'legal-hold' });
    const preview = await owner.api.get(`/v1/users/${cleo.id}/departure-preview?transition=transferred`);
    expect(preview).toMatchObject({ possible: false, blockers: [{ code: 'legal-hold' }] });
  });
});

describe('while a service is down', () => {
  let cast: Cast;
  const links = new Map<string, string>();
  const gone = async (person: Member) => {
    const anybody = system.api();
    return (await statusOf(anybody.get(links.get(person.id)!), anybody)) === 404;
  };
  beforeAll(async () => {
    cast = await anAccount(system, 'helpdesk');
    for (const { id, api } of [cast.ben, cast.cleo, cast.dan]) {
      const dashboardId = await create(api, '/v1/dashboards', { name: 'Pipeline', shared: true });
      links.set(id, (await api.post('/v1/public-links', { dashboardId })).url as string);
    }
  }, 60_000);

  const step = story();

  step(
    'a take-over, two in a row, and one before a deactivation are decided, and complete when it is back',
    async () => {
      const { ben, cleo, dan, owner } = cast;
      await system.stopOne('insights');
      const once = await takeOver(cast, ben);
      const [first, second] = [await takeOver(cast, cleo), await takeOver(cast, cleo)];
      const before = await takeOver(cast, dan);
      const left = await owner.api.post<Departure>(`/v1/users/${dan.id}/deactivate`);
      const waiting = await owner.api.get<Departure>(`/v1/departures/${once.departureId}`);
      expect(waiting).toMatchObject({ status: 'running' });
      await system.startOne('insights');
      for (const id of [once.departureId, second.departureId, left.id]) {
        const departure = await departureOf(cast, id, 40_000);
        expect(departure).toMatchObject({ status: 'completed' });
        expect(counts(linesOf(departure))).toMatchObject({ 'transferred insights.public-links': 1 });
      }
      for (const { departureId } of [first, before])
        expect(await departureOf(cast, departureId)).toMatchObject({ status: 'superseded' });
      for (const person of [ben, cleo, dan]) expect(await gone(person)).toBe(true);
    },
  );

  step('a reactivation restores nothing of what a take-over has ended', async () => {
    const { dan, owner } = cast;
    const back = await owner.api.post<Departure>(`/v1/users/${dan.id}/reactivate`, { restore: 'all' });
    expect(await over(owner.api, back)).toMatchObject({ status: 'completed' });
    expect(await gone(dan)).toBe(true);
  });
});
