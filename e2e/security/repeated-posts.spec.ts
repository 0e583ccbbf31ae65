import { ALL_OPERATIONS, takesIdempotencyKey } from '#libs/contracts';
import { System } from '../support/system.js';
import { ask, type Answer } from './ask.js';
import { bodyFor, queryFor } from './bodies.js';
import { FilledAccount } from './filled-account.js';
import { Routes, type Route } from './routes.js';

/** What changes whom the later requests are about comes last. */
const LATE = /^(auth\.logout|users\.(transfer|convert|deactivate|delete|remove|reactivate))/;
/** The others are refused, because of the account's state or what the example asks for; nothing is recorded for these. */
const FEWEST_ACCEPTED = 50;

let system: System;
let routes: Routes;
let account: FilledAccount;
/** Who may do most of it, and whose most of the things are. */
let callers: string[];

beforeAll(async () => {
  system = await System.start();
  routes = await Routes.of(system.url);
  account = await FilledAccount.open(system, routes, 0);
  const { owner, domain, password, things } = account;
  const somebody = { name: 'Just Somebody', email: `somebody@${domain}`, staffId: 'S-1', password };
  things.set('/v1/users', (await owner.post('/v1/users', somebody)).id as string);
  callers = [account.people.owner.api.token, account.leaver.token];
}, 120_000);
afterAll(() => system?.stop());

const posts = () => {
  const declared = new Map(ALL_OPERATIONS.map((operation) => [operation.id, operation]));
  const all = routes.all.filter(({ id, method }) => method === 'POST' && declared.has(id));
  const late = all.filter(({ id }) => LATE.test(id));
  return [...all.filter((route) => !late.includes(route)), ...late].map((route) => ({
    route,
    operation: declared.get(route.id)!,
  }));
};

const post = (route: Route, body: unknown, key: string, as: string): Promise<Answer> =>
  ask(system.url, {
    method: 'POST',
    path: account.addressOf(route)! + queryFor(route),
    token: route.takes === 'nothing' ? undefined : as,
    body,
    mediaType: route.body?.mediaType,
    headers: { 'idempotency-key': key },
  });

/** What is in the answer, and where it says that the thing is. */
const saidIn = ({ status, headers, text }: Answer) => ({ status, text, location: headers.get('location') });

it('every POST does once what it is asked twice with one key, and answers the same', async () => {
  const colleague = account.people.colleagues[0].api.token;
  const faults: string[] = [];
  let accepted = 0;
  for (const { route, operation } of posts().filter((one) => takesIdempotencyKey(one.operation))) {
    const body = bodyFor(routes, route, account.things);
    const key = `once ${route.id}`;
    let first: Answer | undefined;
    let caller = '';
    for (caller of callers) if ((first = await post(route, body, key, caller)).status < 300) break;
    if (first!.status >= 300) continue;
    accepted++;
    const again = await post(route, body, key, caller);
    if (JSON.stringify(saidIn(again)) !== JSON.stringify(saidIn(first!)))
      faults.push(`${route.id} → ${first!.text.slice(0, 200)}, then ${again.status} ${again.text.slice(0, 200)}`);
    if (operation.access === 'public') continue;
    // Another user cannot use the key, and nobody can use it for another request.
    const other = await post(route, body, key, colleague);
    const { access } = operation;
    const expected = typeof access === 'string' || access.includes('admin') ? 'idempotency-mismatch' : 'forbidden';
    if (other.code !== expected) faults.push(`${route.id} → ${other.status} ${other.code} for another`);
  }
  expect(faults).toEqual([]);
  expect(accepted).toBeGreaterThan(FEWEST_ACCEPTED);
}, 120_000);
