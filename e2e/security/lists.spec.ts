import fc from 'fast-check';
import { System } from '../support/system.js';
import { ask, type Answer } from './ask.js';
import { queryFor } from './bodies.js';
import { FilledAccount } from './filled-account.js';
import { Nonsense } from './nonsense.js';
import { Routes, type Route } from './routes.js';

const SEED = Number(process.env.FUZZ_SEED ?? 20_261_130);
/** For each list. */
const CURSORS = 6;
const QUERIES = 10;

const ID = '019b3c5e-7a10-7c44-9d2e-5f60718293a4';
const encoded = (text: string | Uint8Array) => Buffer.from(text as string).toString('base64url');

/** What a list may take for a position, and what has only the form of one. */
const wrongCursors = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef-'), minLength: 36, maxLength: 36 }).map(encoded),
  fc.uint8Array({ minLength: 1, maxLength: 60 }).map(encoded),
  fc.constantFrom(ID.toUpperCase(), `${ID}\n`, ` ${ID}`, `{${ID}}`, ID.replaceAll('-', ''), `${ID}${ID}`).map(encoded),
  fc.constantFrom('0', '-1', '1e3', '0x1f', '1.5', '99999999999', 'Infinity', ' 7', '７').map(encoded),
  // Node decodes them all the same.
  fc.constantFrom(`${encoded(ID)}=`, `${encoded(ID)}!`, `*${encoded(ID)}`, encoded(ID).slice(0, -1)),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
);

let system: System;
let lists: Route[];
let account: FilledAccount;
let nonsense: Nonsense;

beforeAll(async () => {
  system = await System.start();
  const routes = await Routes.of(system.url);
  account = await FilledAccount.open(system, routes, 0);
  nonsense = new Nonsense(routes, account.things);
  lists = routes.all.filter(({ method, query }) => method === 'GET' && query.some(({ name }) => name === 'cursor'));
}, 120_000);
afterAll(() => system?.stop());

const get = (route: Route, query: string): Promise<Answer> =>
  ask(system.url, {
    method: 'GET',
    path: `${account.addressOf(route)!}${query}`,
    token: account.people.owner.api.token,
  });

const withCursor = (route: Route, cursor: string) => {
  const required = queryFor(route);
  return `${required}${required === '' ? '?' : '&'}cursor=${encodeURIComponent(cursor)}`;
};

it('every list has an address and takes a cursor of its own', async () => {
  expect(lists.length).toBeGreaterThan(40);
  for (const route of lists) {
    const own = route.id === 'departures.bulk.get' ? '3' : ID;
    const { status, text } = await get(route, withCursor(route, encoded(own)));
    expect([route.id, status, text.slice(0, 100)]).toEqual([route.id, 200, expect.any(String)]);
  }
});

it('every list refuses a cursor that it has not made, with 400 invalid-cursor', async () => {
  const faults: string[] = [];
  const samples = fc.sample(wrongCursors, { seed: SEED, numRuns: CURSORS * lists.length });
  // What the form of the position alone would let through.
  const tried = lists.map((route, at) => ({
    route,
    cursors: [encoded('f'.repeat(36)), ...samples.slice(at * CURSORS, (at + 1) * CURSORS)],
  }));
  for (const { route, cursors } of tried)
    for (const cursor of cursors) {
      const { status, code } = await get(route, withCursor(route, cursor));
      // A control character is refused before the list sees it.
      const isExpected = status === 400 && (code === 'invalid-cursor' || code === 'validation');
      if (!isExpected) faults.push(`${route.id} ${JSON.stringify(cursor)} → ${status} ${code ?? ''}`);
      if (code === 'validation' && !/\p{Cc}/u.test(cursor))
        faults.push(`${route.id} ${JSON.stringify(cursor)} → ${code}`);
    }
  expect(faults).toEqual([]);
});

it('no list fails at whatever else its query holds', async () => {
  const faults: string[] = [];
  for (const route of lists)
    for (const query of fc.sample(nonsense.queriesFor(route), { seed: SEED, numRuns: QUERIES })) {
      const { status, text } = await get(route, query);
      if (status >= 500) faults.push(`${route.id} ${query.slice(0, 200)} → ${text}`);
    }
  expect(faults).toEqual([]);
  const failures = system.logged.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  expect(failures).toEqual([]);
});
