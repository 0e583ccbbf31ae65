import { eventually } from '#libs/test-kit';
import { HttpClient } from '../cli/http-client.mjs';
import { DEMO_PASSWORD, openAccount, type DemoAccount, type Person } from '../scripts/demo/account.mjs';
import { demoAccounts } from '../scripts/demo/accounts.mjs';
import { Api, type Json } from './support/api.js';
import { PASSWORD } from './support/cast.js';
import { publishedCertificate } from './support/certificates.js';
import { signInAndOut, useProofs } from './support/signing-in.js';
import { copyOf, draftAndPreview, leaveAnnounced, over, watch, type Departure } from './support/departures.js';
import { decideAboutRequests, handOver, manageTeam, manageUser } from './support/managing.js';
import { retriedDeparture } from './support/retried-departure.js';
import { EventDescriptions, Listener, type AsyncApi } from './support/observers/listener.js';
import { oneOfEach } from './support/one-of-each.js';
import { ScimApi } from './support/scim-api.js';
import { bodyFor, removalOrder } from './security/bodies.js';
import { Routes } from './security/routes.js';
import { useSignInMethods } from './support/sign-in-methods.js';
import { useSingleSignOn } from './support/single-sign-on.js';
import { story } from './support/story.js';
import { System } from './support/system.js';
import { OpenApiValidator, type OpenApi } from './support/observers/openapi-validator.js';

/** Calls every operation that OpenAPI or AsyncAPI describes, and validates responses and messages against the description. */
describe('the API descriptions', () => {
  const fetchItself = globalThis.fetch;
  let system: System;
  let listener: Listener;
  let validator: OpenApiValidator;
  let document: OpenApi;
  let routes: Routes;
  let owner: Api;
  let leaver: Api;
  let colleague: Api;
  let people: DemoAccount;
  /** The items of each list, by path. */
  const lists = new Map<string, Json[]>();

  const idsOf = (path: string) => lists.get(path)!.map((item) => item.id as string);
  const first = (path: string) => idsOf(path)[0]!;
  /** The id of one of the leaver's items, if the items have owners. */
  const mine = (path: string) =>
    (lists.get(path)!.find(({ ownerId }) => ownerId === people.leaver.user.id)?.id as string | undefined) ??
    first(path);
  const raw = (api: Person, method: string, path: string) =>
    fetch(system.url + path, { method, headers: { authorization: `Bearer ${api.api.token}` } });
  const paths = (method: string, form: RegExp) =>
    Object.keys(document.paths).filter((path) => form.test(path) && method in document.paths[path]!);

  beforeAll(async () => {
    system = await System.start();
    listener = await Listener.on(system);
    document = (await (await fetch(`${system.url}/openapi.json`)).json()) as OpenApi;
    routes = await Routes.of(system.url);
    validator = new OpenApiValidator(document);
    globalThis.fetch = validator.wrap(fetchItself);
    people = await openAccount(new HttpClient(system.url), demoAccounts[0]);
    const as = ({ api }: Person) => system.api(api.token);
    [owner, leaver, colleague] = [as(people.owner), as(people.leaver), as(people.colleagues[0])];
  }, 180_000);
  afterAll(async () => {
    globalThis.fetch = fetchItself;
    await listener?.stop();
    await system?.stop();
  });

  const step = story(240_000);

  step('match public operations', async () => {
    for (const path of paths('get', /^\/($|docs|health|metrics|openapi|asyncapi|console|\.well)/))
      await fetch(system.url + path);
  });

  step('match signing in and out', () => signInAndOut(system, listener, people));

  step('match proofs of identity, and what needs them', () => useProofs(system, listener, people));

  step('match second factors and passkeys', () => useSignInMethods(system, people));

  step('match single sign-on', () => {
    const [, lena] = people.colleagues;
    return useSingleSignOn(system, owner, { email: people.owner.email, password: DEMO_PASSWORD }, lena.email);
  });

  step('match accounts, users and teams', async () => {
    const [tomas, lena] = people.colleagues.map(({ user }) => user.id);
    await owner.patch('/v1/account', { name: 'Harbor & Pine' });
    await owner.put('/v1/policy', { overrides: { 'insights.shared-reports': { deactivated: 'transfer' } } });
    await owner.delete(`/v1/users/${people.leaver.user.id}/caretaker`);
    await manageUser(owner, lena!);
    await manageTeam(owner, tomas!);
    await owner.post('/v1/account/scim-tokens', { name: 'Old directory' });
    const newcomer = await owner.post('/v1/users', {
      name: 'Noa',
      email: 'noa@harborpine.example.com',
      staffId: 'HP-206',
    });
    const { items } = await owner.get<{ items: (Json & { user: Json })[] }>('/v1/invitations');
    const sent = items.find(({ user }) => user.id === newcomer.id)!;
    await owner.get(`/v1/invitations/${sent.id}`);
    const again = await owner.post(`/v1/invitations/${sent.id}/resend`);
    await owner.delete(`/v1/invitations/${again.id}`);
    await owner.put('/v1/me/notification-preferences', { returnReminder: false });
  });

  step('match all other creations', async () => {
    await owner.post('/v1/contacts', { name: 'Walk-in' });
    await leaver.post('/v1/inboxes', { kind: 'shared', name: 'Empty', memberIds: [people.leaver.user.id] });
    await owner.post('/v1/import-sources', {
      kind: 'sftp',
      host: 'files.invalid',
      username: 'leaver',
      password: PASSWORD,
      active: false,
    });
    await owner.put(`/v1/live-chat-operators/${people.leaver.user.id}`, { available: true });
    await owner.delete(`/v1/live-chat-operators/${people.leaver.user.id}`);
    await oneOfEach(routes, leaver);
  });

  step('match every list and its items', async () => {
    for (const path of paths('get', /^\/v1\/[^{]+$/)) {
      const answer = await raw(people.leaver, 'GET', path);
      const type = answer.headers.get('content-type') ?? '';
      const { items } = (type.includes('json') ? await answer.json() : {}) as { items?: Json[] };
      if (items) lists.set(path, items);
    }
    for (const path of paths('get', /^\/v1\/[^{]+\/{id}(\/[a-z-]+)?$/)) {
      const [list, , nested] = path.split(/\/({id})\/?/);
      const [item] = lists.get(list!) ?? [];
      if (!item || ['departure-preview', 'events', 'certificate', 'rows'].includes(nested!)) continue;
      const inside = path.replace('{id}', String(item.id));
      const { items } = (await (await raw(people.leaver, 'GET', inside)).json()) as { items?: Json[] };
      if (items) lists.set(path, items);
    }
  });

  step('match every change', async () => {
    const [tomas, lena] = people.colleagues.map(({ user }) => user.id);
    const change = (list: string, body: Json, id = mine(list)) => leaver.patch(`${list}/${id}`, body);
    await change('/v1/users', { name: 'Maya O.' }, people.leaver.user.id);
    for (const list of ['automations', 'assignment-rules', 'chatbots', 'webforms', 'filters'])
      await change(`/v1/${list}`, { name: 'Another name' });
    for (const list of ['records', 'documents', 'document-templates', 'scheduler-links'])
      await change(`/v1/${list}`, { title: 'Another title' });
    await change('/v1/contacts', { name: 'Another name' });
    await change('/v1/campaigns', { name: 'Another name' });
    await change('/v1/conversations', { status: 'closed' });
    await change('/v1/callbacks', { status: 'done' });
    await change('/v1/webhooks', { events: ['contact.created'] });
    await change('/v1/account-syncs', { status: 'stopped' });
    await change('/v1/storage-connections', { userIds: [people.leaver.user.id, lena] });
    await change('/v1/import-sources', { active: true });
    await leaver.post(`/v1/import-sources/${mine('/v1/import-sources')}/run`);
    await leaver.put(`/v1/reports/${mine('/v1/reports')}/sharing`, { sharedWith: [lena] });
    await leaver.post('/v1/conversations/bulk-reassign', {
      filter: { assigneeId: people.leaver.user.id, status: 'snoozed' },
      to: tomas,
    });
    await leaver.post(`/v1/document-templates/${mine('/v1/document-templates')}/use`, { title: 'From a template' });
    await leaver.post(`/v1/webhooks/${mine('/v1/webhooks')}/test`);
    await leaver.post(`/v1/webhooks/${mine('/v1/webhooks')}/rotate-secret`);
    const chat = await leaver.post('/v1/live-chats', { visitor: 'Waiting for somebody' });
    await colleague.post(`/v1/live-chats/${chat.id}/take`);
    await colleague.post(`/v1/live-chats/${chat.id}/close`);
    const sent = lists.get('/v1/messages')!.find(({ status }) => status === 'delivered')!;
    await owner.post(`/v1/messages/${sent.id}/delivery`, { status: 'delivered' });
    for (const link of lists.get('/v1/scheduler-links')!) await fetch(`${system.url}/m/${link.slug}`);
    for (const link of lists.get('/v1/public-links')!) await fetch(new URL(link.url as string, system.url));
    // Operations not called above take the example of their description.
    const records = new Map([...lists.keys()].map((list) => [list, String(lists.get(list)![0]?.id)]));
    for (const route of routes.all.filter(({ id, method }) => method === 'PATCH' && !validator.seen.has(id))) {
      const [list, nothing] = route.path.split('/{id}');
      if (nothing === '' && lists.get(list!)?.length) await change(list!, bodyFor(routes, route, records) as Json);
    }
  });

  step('match automation runs and moves of numbers', async () => {
    const [tomas] = people.colleagues.map(({ user }) => user.id);
    const automation = `/v1/automations/${mine('/v1/automations')}`;
    await leaver.post(`${automation}/deactivate`);
    await leaver.post(`${automation}/activate`);
    const run = await leaver.post(`${automation}/runs`, { userId: tomas });
    await leaver.get(`${automation}/runs`);
    await leaver.get(`${automation}/runs/${run.id}`);
    const rule = `/v1/assignment-rules/${first('/v1/assignment-rules')}`;
    const assignment = await leaver.post(`${rule}/assignments`);
    await leaver.get(`${rule}/assignments`);
    await leaver.get(`${rule}/assignments/${assignment.id}`);
    // The demo's numbers are random ones of its area code.
    const number = await owner.post('/v1/numbers', { e164: '+16135550199', ownerId: people.leaver.user.id });
    const path = `/v1/numbers/${number.id}`;
    await owner.post(`${path}/contacts`, { contactIds: idsOf('/v1/contacts').slice(0, 2) });
    await owner.get(`${path}/contacts`);
    await owner.post(`${path}/reassign`, { userId: tomas });
    await owner.post(`${path}/release`);
  });

  step('match every removal', async () => {
    const order = removalOrder(routes);
    const collections = paths('delete', /^\/v1\/[^{]+\/{id}$/).map((path) => path.slice(0, -'/{id}'.length));
    for (const list of collections.sort((one, other) => order.indexOf(one) - order.indexOf(other))) {
      if (list === '/v1/users' || list === '/v1/me/sessions') continue;
      for (const as of [people.leaver, people.owner]) {
        const { items = [] } = (await (await raw(as, 'GET', list)).json()) as { items?: Json[] };
        for (const { id } of items.reverse()) if ((await raw(as, 'DELETE', `${list}/${id}`)).ok) break;
      }
    }
  });

  step('match departures of every kind', async () => {
    const me = people.leaver.user.id;
    const gone = async (path: string, body?: Json) => over(owner, await owner.post<Departure>(path, body));
    await owner.post('/v1/numbers', { e164: '+16135550198', ownerId: me });
    const planToken = await draftAndPreview(owner, me);
    await owner.get(`/v1/users/${me}/departure-preview/rows?rule=telephony.numbers&transition=deactivated`);
    const left = await gone(`/v1/users/${me}/deactivate`, { reason: 'Moving on', planToken });
    await watch(system, people.owner.api.token, left);
    await owner.get(`/v1/departures/${left.id}/rows?rule=telephony.numbers`);
    await gone(`/v1/users/${me}/reactivate`, { restore: 'all' });
    await copyOf(owner, me);
    await leaveAnnounced(owner, me);
    const deleted = await gone(`/v1/users/${me}/delete`);
    expect(deleted).toMatchObject({ status: 'completed' });
    expect((await publishedCertificate(system, owner, deleted)).verification).toMatchObject({ valid: true });
    await owner.get(`/v1/departures/${deleted.id}`);
    await owner.get('/v1/departures');

    const [tomas, , kenji, aisha, paul] = people.colleagues.map(({ user }) => user.id);
    const quarantined = (await owner.all('/v1/numbers')).find(({ state }) => state === 'quarantined')!;
    await owner.post(`/v1/numbers/${quarantined.id}/restore`, { ownerId: tomas });
    const later = { effectiveAt: new Date(Date.now() + 86_400_000).toISOString() };
    const scheduled = await owner.post(`/v1/users/${paul}/deactivate`, later);
    await owner.patch(`/v1/departures/${scheduled.id}`, { reason: 'Another project' });
    await owner.post(`/v1/departures/${scheduled.id}/cancel`);
    const { id } = await owner.post('/v1/departures/bulk', { transition: 'deactivated', users: [{ userId: paul }] });
    await eventually(async () => expect((await owner.get(`/v1/departures/bulk/${id}`)).status).toBe('completed'));
    await over(owner, await owner.delete<Departure>(`/v1/users/${paul}`));
    await handOver(owner, tomas!, kenji!);
    const successor = { name: 'Ken Next', email: 'ken.next@harborpine.example.com', staffId: 'HP-205' };
    await owner.post(`/v1/users/${kenji}/transfer`, successor);
    await gone(`/v1/users/${aisha}/deactivate`);
    await owner.post(`/v1/users/${aisha}/convert-to-shared-inbox`, { name: 'Was Aisha', memberIds: [kenji] });
    await decideAboutRequests(owner, colleague);
    const verification = await owner.post('/v1/departures/verify');
    await eventually(async () =>
      expect((await owner.get(`/v1/departures/verify/${verification.id}`)).status).toBe('completed'),
    );
  });

  step('match a failed departure and its retry', async () => {
    const lena = people.colleagues[1].user.id;
    const departure = await retriedDeparture(system, owner, lena);
    expect(await over(owner, departure)).toMatchObject({ status: 'completed' });
  });

  step('match SCIM', async () => {
    const scim = await ScimApi.connect(system, owner);
    for (const path of ['ServiceProviderConfig', 'Schemas', 'ResourceTypes', 'Users', 'Groups'])
      await scim.get(`/${path}`);
    await scim.get('/Schemas/urn:ietf:params:scim:schemas:core:2.0:User');
    await scim.get('/ResourceTypes/User');
    const names = { Users: { userName: 'new.one@harborpine.example.com' }, Groups: { displayName: 'By SCIM' } };
    for (const type of ['Users', 'Groups'] as const) {
      const schemas = [`urn:ietf:params:scim:schemas:core:2.0:${type.slice(0, -1)}`];
      const resource = { schemas, ...names[type], ...(type === 'Users' && { active: true, externalId: 'X-1' }) };
      const { body } = await scim.post(`/${type}`, resource);
      const path = `/${type}/${body.id}`;
      await scim.get(path);
      await scim.post(`/${type}/.search`, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
        filter: 'id pr',
      });
      await scim.put(path, { ...resource, id: body.id });
      const [attribute, value] = type === 'Users' ? ['active', false] : ['displayName', 'Renamed'];
      await scim.patch(path, [{ op: 'replace', path: attribute, value }]);
      await eventually(async () => expect((await scim.delete(path)).status).toBe(204));
    }
  });

  it('match every response', () => {
    expect([...new Set(validator.faults)]).toEqual([]);
  });

  it('contain no operation that this test has not called', () => {
    const uncalled = validator.operations.filter((id) => !validator.seen.has(id));
    expect(uncalled.map((id) => `${id} has never succeeded: call it in e2e/descriptions.spec.ts`)).toEqual([]);
  });

  it('contain every event that was published, and no others', async () => {
    const described = new EventDescriptions((await (await fetch(`${system.url}/asyncapi.json`)).json()) as AsyncApi);
    // The last event may not have arrived yet.
    await eventually(() => {
      expect([...new Set(listener.received.flatMap((message) => described.faultsOf(message)))]).toEqual([]);
      expect([...described.seen].sort()).toEqual(described.names.sort());
    });
  });
});
