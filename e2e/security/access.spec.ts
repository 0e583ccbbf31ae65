import { ALL_OPERATIONS, RIGHTS } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { story } from '../support/story.js';
import { PASSWORD } from '../support/cast.js';
import { System } from '../support/system.js';
import { Occurrences } from '../../services/identity/src/audit/occurrences.js';
import { InboxReads } from '../../services/messaging/src/inbox/inbox-reads.worker.js';
import { ask, type Answer } from './ask.js';
import { bodyFor, idFieldsOf, meaningOf, queryFor, withId } from './bodies.js';
import { FilledAccount } from './filled-account.js';
import { footprintOf } from './footprint.js';
import { Matrix } from './matrix.js';
import { accessTo, admittedTo, IDENTITY_FOR_EVERYBODY, WITHOUT_TOKEN } from './roles.js';
import { OTHERWISE_TESTED, RowRights } from './row-rights.js';
import { Rows } from './rows.js';
import { Routes, type Route } from './routes.js';

/** Public for everyone who has the URL. */
const PUBLIC_BY_ADDRESS = [
  'scheduler-links.show',
  'public-links.show',
  ...['start', 'callback', 'backchannel-logout', 'global-logout'].map((step) => `auth.sso.${step}`),
];
/** Describe the protocol and contain no data of an account. */
const PROTOCOL = ['scim.schema', 'scim.resource-type'];
/**
 * Fields for ids of records in another service, which are stored without a check. A foreign id gives no access, because the
 * service that owns the record looks for it in the caller's account.
 */
const KNOWN_BY_ID_ALONE = [
  'conversations.bulk-reassign filter.assigneeId',
  'assignments.create subjectId',
  'callbacks.create contactId',
  'conversations.create contactId',
  'emails.create recordId',
  'messages.inbound contactId',
  'numbers.contacts.add contactIds.0',
  'signatures.create dealId',
];
const REFUSED = [403, 404, 409, 422];
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

let system: System;
let routes: Routes;
let ours: FilledAccount;
let theirs: FilledAccount;
let scimToken: string;

beforeAll(async () => {
  system = await System.start();
  routes = await Routes.of(system.url);
  [ours, theirs] = await Promise.all([FilledAccount.open(system, routes, 0), FilledAccount.open(system, routes, 1)]);
  scimToken = (await theirs.owner.post('/v1/account/scim-tokens', { name: 'Directory' })).token as string;
}, 120_000);
afterAll(() => system?.stop());

/** Sends a request as the owner of the other account, or with its SCIM token. */
const stranger = (route: Route, path: string, body?: unknown) =>
  ask(system.url, {
    method: route.method,
    path: path + (path.includes('?') ? '' : queryFor(route)),
    token: route.takes === 'scim' ? scimToken : theirs.people.owner.api.token,
    body,
    mediaType: route.body?.mediaType,
  });

const outcome = ({ status, code = '' }: Answer) => `${status} ${code}`.trim();

describe('another account', () => {
  /** Ids, names and the domain of our account, which must not be shown to others. */
  let secrets: string[];
  let before: Record<string, string>;
  const shared = new Set<string>();

  beforeAll(async () => {
    const { people, domain, shown } = ours;
    const names = [people.account, people.owner.user, people.leaver.user, ...people.colleagues.map(({ user }) => user)];
    for (const id of theirs.shown.join().match(UUID) ?? []) shared.add(id);
    const ids = new Set(
      shown
        .join()
        .match(UUID)!
        .filter((id) => !shared.has(id)),
    );
    // The leaver's name is also the example in all descriptions.
    secrets = [...ids, domain, ...names.map(({ name }) => name).filter((name) => name !== people.leaver.user.name)];
  }, 30_000);

  const settledFootprint = async () => {
    // Our own reads are recorded some seconds after them.
    await system.services.get('messaging')!.app.get(InboxReads, { strict: false }).drain();
    await system.services.get('identity')!.app.get(Occurrences, { strict: false }).drain();
    return eventually(async () => {
      const once = await footprintOf(system, ours.people.account.id);
      expect(await footprintOf(system, ours.people.account.id)).toEqual(once);
      return once;
    });
  };

  /** The secrets in an answer that were not in the request. */
  const leaksIn = ({ text }: Answer, asked: string) =>
    secrets.filter((secret) => text.includes(secret) && !asked.includes(secret));

  const scoped = () =>
    routes.all.filter(({ id, params }) => params.length > 0 && ![...PUBLIC_BY_ADDRESS, ...PROTOCOL].includes(id));

  const step = story();

  step('can be tested on every route with a record of ours', () => {
    expect(secrets.length).toBeGreaterThan(200);
    expect(
      scoped()
        .filter((route) => !ours.addressOf(route) || !theirs.addressOf(route))
        .map(({ id }) => `${id}: make a record for it in e2e/security/filled-account.ts`),
    ).toEqual([]);
    expect(routes.all.filter(({ id }) => PUBLIC_BY_ADDRESS.includes(id)).map(({ takes }) => takes)).toEqual(
      PUBLIC_BY_ADDRESS.map(() => 'nothing'),
    );
  });

  step('is tested with URLs that work for us', async () => {
    const missing: string[] = [];
    for (const route of scoped().filter(({ method, takes }) => method === 'GET' && takes === 'user')) {
      const path = ours.addressOf(route)!;
      const { status } = await ask(system.url, { method: 'GET', path, token: ours.leaver.token });
      if (status === 404) missing.push(`${route.id} ${path}`);
    }
    expect(missing).toEqual([]);
    before = await settledFootprint();
  });

  step('has no access to any of our URLs', async () => {
    const faults: string[] = [];
    for (const route of scoped()) {
      const path = ours.addressOf(route)!;
      const body = bodyFor(routes, route, theirs.things);
      const answer = await stranger(route, path, body);
      // An operation may check the user before the team.
      const refused = [403, 404].includes(answer.status) || answer.code === 'unknown-user';
      if (!refused) faults.push(`${route.id} → ${outcome(answer)} ${answer.text.slice(0, 200)}`);
      faults.push(...leaksIn(answer, path).map((secret) => `${route.id} shows ${secret}`));
    }
    expect(faults).toEqual([]);
  });

  step('has no access to our records below its own', async () => {
    const faults: string[] = [];
    for (const route of scoped().filter(({ params }) => params.length > 1)) {
      const [mine, foreign] = [theirs.addressOf(route)!.split('/'), ours.addressOf(route)!.split('/')];
      const path = [...mine.slice(0, -1), foreign.at(-1)].join('/');
      const answer = await stranger(route, path, bodyFor(routes, route, theirs.things));
      if (![403, 404, 422].includes(answer.status)) faults.push(`${route.id} → ${outcome(answer)}`);
    }
    expect(faults).toEqual([]);
  });

  step('sees nothing of ours in its lists, with any filter', async () => {
    const faults: string[] = [];
    for (const route of routes.all.filter(({ method, params }) => method === 'GET' && params.length === 0)) {
      const queries = ['', ...route.query.flatMap(({ name, schema }) => filterFor(route, name, schema))];
      for (const query of queries) {
        const answer = await stranger(route, route.path + query);
        faults.push(...leaksIn(answer, query).map((secret) => `${route.id}${query} shows ${secret}`));
      }
    }
    expect(faults).toEqual([]);
  });

  const filterFor = ({ id }: Route, name: string, { format, pattern }: { format?: string; pattern?: string }) => {
    if (format !== 'uuid' && !pattern?.includes('[0-9a-f]{8}')) return [];
    return [`?${name}=${ours.things.get(meaningOf(name, id))}`];
  };

  step('cannot use our ids in request bodies', async () => {
    const faults: string[] = [];
    for (const route of routes.all.filter(({ takes }) => takes === 'user')) {
      const path = theirs.addressOf(route)!;
      for (const { place, of } of idFieldsOf(routes, route)) {
        const id = ours.things.get(of);
        if (!id) faults.push(`nothing of ours for ${route.id} ${place.join('.')}`);
        const body = withId(route, bodyFor(routes, route, theirs.things), place, id);
        const answer = await stranger(route, path, body);
        const where = `${route.id} ${place.join('.')} → ${outcome(answer)}`;
        const refused = route.id === 'departures.bulk' ? await isRefusedLater(answer) : REFUSED.includes(answer.status);
        const known = KNOWN_BY_ID_ALONE.includes(`${route.id} ${place.join('.')}`);
        if (refused === known) faults.push(`${where} ${answer.text.slice(0, 200)}`);
        faults.push(...leaksIn(answer, JSON.stringify(body)).map((secret) => `${where} shows ${secret}`));
      }
    }
    expect(faults).toEqual([]);
  });

  /** A bulk request is always accepted; its rows are refused later. */
  async function isRefusedLater({ text }: Answer): Promise<boolean> {
    const { id } = JSON.parse(text) as { id: string };
    const bulk = await eventually(async () => {
      const found = await theirs.owner.get(`/v1/departures/bulk/${id}`);
      expect(found.status).toBe('completed');
      return found;
    });
    return (bulk.counts as Record<string, number>).accepted === 0;
  }

  step('has changed nothing of ours', async () => {
    expect(await footprintOf(system, ours.people.account.id)).toEqual(before);
  });
});

describe('rows of a colleague', () => {
  let rows: Rows;
  let rights: RowRights;
  beforeAll(async () => {
    rows = await Rows.open(system, routes);
    rights = new RowRights(system.url, routes, rows, ours.things);
  }, 60_000);

  it('are made for every line of the matrix', () => {
    expect([...rows.resources, ...OTHERWISE_TESTED].sort()).toEqual(Object.keys(RIGHTS).sort());
  });

  it('are seen, changed and removed by those whom the matrix names, and are absent for all others', async () => {
    const faults: string[] = [];
    const waiting = [...rows.resources];
    const work = async () => {
      for (let next = waiting.pop(); next; next = waiting.pop())
        faults.push(...(await rights.faultsOf(next).catch((error: unknown) => [`${next}: ${String(error)}`])));
    };
    await Promise.all([work(), work(), work(), work()]);
    expect(faults.sort()).toEqual([]);
  }, 180_000);

  it('include no legal hold in anything that an agent reads', async () => {
    const { ben, cleo, owner } = rows.cast;
    const reason = 'The matter of the missing invoices';
    for (const { id } of [ben, cleo]) await owner.api.put(`/v1/users/${id}/legal-hold`, { reason });
    expect(await owner.api.get(`/v1/users/${cleo.id}`)).toMatchObject({ legalHold: true });
    const login = { email: cleo.email, password: PASSWORD };
    const answers = [await ask(system.url, { method: 'POST', path: '/v1/auth/login', body: login })];
    for (const route of routes.all.filter(({ method, takes }) => method === 'GET' && takes === 'user')) {
      const path = route.path.startsWith('/v1/users/{id}')
        ? route.path.replace('{id}', ben.id)
        : route.params.length === 0 && route.path;
      if (path)
        answers.push(await ask(system.url, { method: 'GET', path: path + queryFor(route), token: cleo.api.token }));
    }
    const shown = answers.filter(({ text }) => text.includes(reason) || text.includes('"legalHold":true'));
    expect(shown).toEqual([]);
    expect(answers.filter(({ text }) => text.includes('"legalHold":false')).length).toBeGreaterThan(3);
  });

  it('cannot be made in their name, nor where they keep theirs', async () => {
    expect(await rights.faultsOfCreating()).toEqual([]);
  }, 60_000);
});

describe('every operation', () => {
  let matrix: Matrix;
  beforeAll(async () => {
    matrix = await Matrix.of(system, routes, theirs, scimToken);
  });

  it('takes a token unless WITHOUT_TOKEN in roles.ts names it', () => {
    const open = routes.all.filter(({ takes }) => takes === 'nothing').map(({ id }) => id);
    expect(open.sort()).toEqual(WITHOUT_TOKEN);
  });

  it('of identity requires a manager unless IDENTITY_FOR_EVERYBODY in roles.ts names it', () => {
    const forAllUsers = ALL_OPERATIONS.filter(
      ({ service, access }) => service === 'identity' && typeof access === 'string',
    );
    const ids = forAllUsers.map(({ id }) => id).filter((id) => !WITHOUT_TOKEN.includes(id));
    expect(ids.sort()).toEqual(IDENTITY_FOR_EVERYBODY);
  });

  it('admits exactly the callers that its declaration names', async () => {
    const found = await matrix.tryAll();
    const wrong = routes.all.flatMap((route) => {
      const { admitted, refused } = found.get(route.id)!;
      const may = admittedTo(route);
      const surprises = [
        ...admitted.filter((one) => !may.includes(one)),
        ...refused.filter((one) => may.includes(one)),
      ];
      const advice = 'change `access` in its contract, or the check in its controller';
      return surprises.length > 0
        ? [`${route.id} (${accessTo(route).toString()}) admits ${admitted.join()}, not ${refused.join()}: ${advice}`]
        : [];
    });
    expect(wrong).toEqual([]);
  }, 180_000);
});
