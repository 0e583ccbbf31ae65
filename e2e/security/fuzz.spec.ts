import fc from 'fast-check';
import { System } from '../support/system.js';
import { ask, type Answer } from './ask.js';
import { FilledAccount } from './filled-account.js';
import { Nonsense } from './nonsense.js';
import { ODD_MESSAGES, oddPaths, METHODS } from './odd-requests.js';
import { askExactly, responsesIn, sendRaw } from './raw.js';
import { Routes, type Route } from './routes.js';

/** Seed and number of requests per operation. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_122);
const TRIES = Number(process.env.FUZZ_TRIES ?? 16);
/** The share of the tries for operations without a body, which have only a URL to vary. */
const WITHOUT_BODY = 0.4;

/** Signs of internals in a response: stack traces, file names, SQL and terms of our libraries. */
const INSIDE =
  /\n\s+at |node_modules|\.[cm]?[jt]s:\d|\/(src|dist|usr|home)\/|\b(select|insert|update|delete)\b[^"]*\b(from|into|set|where)\b|relation "|violates|syntax error|invalid input|out of range for|\w+Error\b|ECONN|[Pp]ostgre|kysely|[Mm]ikro/;

/** Shortens repetitions and long texts for messages. */
const short = (text: string) => text.replace(/(.{1,5})\1{9,}/g, '$1…').slice(0, 400);

interface Question {
  path: string;
  query: string;
  body: string;
}

let system: System;
let routes: Routes;
let account: FilledAccount;
let nonsense: Nonsense;
let scimToken: string;
let ownerToken: string;

beforeAll(async () => {
  system = await System.start();
  routes = await Routes.of(system.url);
  account = await FilledAccount.open(system, routes, 0);
  const { owner, domain } = account;
  const somebody = { name: 'Just Somebody', email: `somebody@${domain}`, staffId: 'S-1', password: 'a long password' };
  account.things.set('/v1/users', (await owner.post('/v1/users', somebody)).id as string);
  nonsense = new Nonsense(routes, account.things);
  scimToken = (await owner.post('/v1/account/scim-tokens', { name: 'Directory' })).token as string;
  ownerToken = account.people.owner.api.token;
}, 120_000);
afterAll(() => system?.stop());

const tokenFor = ({ takes }: Route) => ({ nothing: undefined, scim: scimToken, user: ownerToken })[takes];

async function put(route: Route, { path, query, body }: Question): Promise<Answer> {
  const send = () =>
    ask(system.url, {
      method: route.method,
      path: path + query,
      token: tokenFor(route),
      ...(route.body && { body, mediaType: route.body.mediaType }),
    });
  const answer = await send();
  if (answer.status !== 401 || route.takes !== 'user') return answer;
  // An earlier request has ended the session.
  const { email } = account.people.owner;
  const signedIn = await system.api().post('/v1/auth/login', { email, password: account.password });
  ownerToken = signedIn.accessToken as string;
  return send();
}

/** Describes what must never be in a response; undefined if the response is fine. */
function faultIn({ takes, statuses }: Route, { status, headers, text }: Answer): string | undefined {
  if (status >= 500) return `${status}`;
  if (![String(status), `${String(status)[0]}XX`].some((one) => statuses.includes(one)))
    return `${status} is not described: ${text.slice(0, 200)}`;
  if (status < 400) return undefined;
  const expected = takes === 'scim' ? 'application/scim+json' : 'application/problem+json';
  if (headers.get('content-type') !== expected) return `${status} as ${headers.get('content-type')}`;
  const [shown] = INSIDE.exec(text) ?? [];
  return shown && `${status} shows ${shown}: ${text.slice(0, 300)}`;
}

const questions = (route: Route): Question[] =>
  fc.sample(
    fc.record({
      path: nonsense.pathsFor(route),
      query: nonsense.queriesFor(route),
      body: nonsense.bodiesFor(route),
    }),
    { seed: SEED, numRuns: route.body ? TRIES : Math.ceil(TRIES * WITHOUT_BODY) },
  );

describe('random requests', () => {
  const faults: string[] = [];
  const statuses = new Map<number, number>();

  it('are accepted or refused, and never cause an internal error', async () => {
    for (const route of routes.all)
      for (const question of questions(route)) {
        const answer = await put(route, question);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const fault = faultIn(route, answer);
        const { path, query, body } = question;
        if (fault) faults.push(`${route.id} → ${fault}: ${path}${short(query)} ${short(body)}`);
      }
    expect(faults).toEqual([]);
  }, 600_000);

  it('are partly valid, so that they also test the code after validation', () => {
    const taken = [...statuses].filter(([status]) => status < 300).reduce((sum, [, count]) => sum + count, 0);
    expect(taken).toBeGreaterThan(routes.all.length);
  });

  it('to paths that are no operations get a problem with a code', async () => {
    const odd: string[] = [];
    for (const path of oddPaths())
      for (const method of METHODS) {
        const token = path.startsWith('/scim') ? scimToken : undefined;
        const { status, type, body } = await askExactly(system.url, { method, path, token });
        const due = status >= 400 && method !== 'HEAD';
        const expected = /^\/scim\/v2(\/|$)/.test(path) ? 'application/scim+json' : 'application/problem+json';
        const told = !due || (type === expected && /"(code|detail)":"[a-z-]+/.test(body));
        if (status >= 500 || !told || INSIDE.test(due ? body : ''))
          odd.push(`${method} ${short(path)} → ${status} ${type} ${body.slice(0, 200)}`);
      }
    expect(odd).toEqual([]);
  });

  it('that are not quite HTTP get a problem with a code, or are as good as others', async () => {
    const odd: string[] = [];
    let refused = 0;
    const answer = async ([name, text]: (typeof ODD_MESSAGES)[number]) => {
      for (const { status, head, body } of responsesIn(await sendRaw(system.url, text, 3_000))) {
        if (status >= 400) refused++;
        const told = status < 400 || (head.includes('application/problem+json') && /"code":"[a-z-]+"/.test(body));
        if (status >= 500 || !told) odd.push(`${name} → ${status} ${head} ${body.slice(0, 200)}`);
      }
    };
    await Promise.all(ODD_MESSAGES.map(answer));
    expect(odd).toEqual([]);
    // Some are only closed, such as a tunnel and a body that never comes.
    expect(refused).toBeGreaterThan(30);
    expect((await fetch(`${system.url}/health/live`)).status).toBe(200);
  });

  it('that are sent without waiting are answered in order', async () => {
    const one = (path: string) => `GET ${path} HTTP/1.1\r\nhost: leaver\r\n\r\n`;
    const last = one('/docs/__proto__').replace('host: leaver', 'host: leaver\r\nconnection: close');
    const heard = responsesIn(
      await sendRaw(system.url, one('/health/live') + one('/nowhere') + one('/docs/constructor') + last),
    );
    expect(heard.map(({ status }) => status)).toEqual([200, 404, 404, 404]);
  });

  it('cause no errors in background work', async () => {
    const failures = system.logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
    expect(failures).toEqual([]);
    expect((await fetch(`${system.url}/health/ready`)).status).toBe(200);
  });
});
