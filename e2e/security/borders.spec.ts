import { eventually } from '#libs/test-kit';
import { withClient } from '#libs/local-servers';
import { anAccount, contactsCsv, type Cast } from '../support/cast.js';
import { PARTS } from '../support/foundation.js';
import { System } from '../support/system.js';
import { ask } from './ask.js';
import { BrokerUser, foreignTo } from './broker-user.js';
import { sendRaw } from './raw.js';

let system: System;
let cast: Cast;
let token: string;

beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'texting');
  const { email } = cast.owner;
  const signedIn = await system.api().post('/v1/auth/login', { email, password: 'correct horse battery' });
  token = signedIn.accessToken as string;
}, 60_000);
afterAll(() => system?.stop());

const as = (question: Omit<Parameters<typeof ask>[1], 'token'>) => ask(system.url, { token, ...question });

const rawRequest = (head: string[], body = '') =>
  sendRaw(
    system.url,
    [...head, 'host: leaver', `authorization: Bearer ${token}`, 'connection: close', '', body].join('\r\n'),
  );

describe('an excessive request', () => {
  const statusOf = (heard: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(heard)?.[1]);
  const problem = { 'content-type': 'application/problem+json' };

  afterEach(async () => expect((await as({ method: 'GET', path: '/v1/me' })).status).toBe(200));

  it('is refused because of its declared size before it is read', async () => {
    const body = `{"name":"${'x'.repeat(1_000_000)}"}`;
    const answer = await as({ method: 'POST', path: '/v1/teams', body });
    expect([answer.status, answer.code, answer.headers.get('content-type')]).toEqual([
      413,
      'payload-too-large',
      problem['content-type'],
    ]);
    const announced = ['POST /v1/teams HTTP/1.1', 'content-type: application/json', 'content-length: 999999999999'];
    expect(statusOf(await rawRequest(announced, '{'))).toBe(413);
  });

  it('is refused because of its size also without a declared size', async () => {
    const chunk = `${(64 * 1024).toString(16)}\r\n${' '.repeat(64 * 1024)}\r\n`;
    const head = ['POST /v1/teams HTTP/1.1', 'content-type: application/json', 'transfer-encoding: chunked'];
    expect(statusOf(await rawRequest(head, chunk.repeat(20)))).toBe(413);
  });

  it.each(['[', '{"a":'])('is refused if it is nested too deeply: %s', async (open) => {
    for (const depth of [1_000, 100_000]) {
      const close = open === '[' ? ']' : '}';
      const nest = open.repeat(depth) + '1' + close.repeat(depth);
      for (const [path, field] of [
        ['/v1/segments', 'definition'],
        ['/v1/teams', 'name'],
      ] as const) {
        const body = `{"name":"Deep","${field}":{"a":${nest}}}`;
        const answer = await as({
          method: 'POST',
          path,
          body,
          headers: { 'idempotency-key': `${path} ${depth} ${open}` },
        });
        expect([path, answer.status]).toEqual([path, 400]);
        expect(answer.headers.get('content-type')).toBe(problem['content-type']);
      }
    }
  });

  it('is refused because of its headers', async () => {
    expect(statusOf(await rawRequest(['GET /v1/me HTTP/1.1', `x-much: ${'x'.repeat(20_000)}`]))).toBe(431);
    const many = Array.from({ length: 3_000 }, (_, n) => `x-${n}: 1`);
    expect([200, 431]).toContain(statusOf(await rawRequest(['GET /v1/me HTTP/1.1', ...many])));
  });

  it('is refused because of its URL', async () => {
    const queries = [`?q=${'x'.repeat(10_000)}`, `?${'q=x&'.repeat(2_000)}`, `?cursor=${'x'.repeat(5_000)}`];
    for (const query of queries) {
      const answer = await as({ method: 'GET', path: `/v1/users${query}` });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([400, problem['content-type']]);
    }
    expect((await as({ method: 'GET', path: `/v1/${'x'.repeat(10_000)}` })).status).toBe(404);
  });

  it('that smuggles a second request is refused', async () => {
    const both = ['content-type: application/json', 'content-length: 5', 'transfer-encoding: chunked'];
    expect(
      statusOf(await rawRequest(['POST /v1/teams HTTP/1.1', ...both], '0\r\n\r\nGET /v1/me HTTP/1.1\r\n\r\n')),
    ).toBe(400);
    expect(
      statusOf(await rawRequest(['POST /v1/teams HTTP/1.1', 'content-length: 1', 'content-length: 2'], '{}')),
    ).toBe(400);
    expect(statusOf(await rawRequest(['GET /v1/me HTTP/1.1', 'x-a : b', 'x-b: a\rb']))).toBe(400);
  });
});

describe('a name that contains code', () => {
  const FORMULAS = [
    '=HYPERLINK("http://evil.example","x")',
    '+1+1',
    '-1+1',
    '@SUM(A1)',
    '\t=1',
    '"=1"',
    'a,b\nc',
    'Ada =1',
  ];

  it('is text in every file that a spreadsheet opens', async () => {
    await cast.owner.api.upload('/v1/contact-imports?userIdField=StaffId', contactsCsv([cast.ada], 1));
    const [contact] = (await cast.owner.api.get<{ items: [{ id: string }] }>('/v1/contacts')).items;
    const people = [cast.ada, cast.ben, cast.cleo, cast.dan];
    for (const { api } of people) {
      const inboxId = (await api.post('/v1/inboxes', { kind: 'personal', name: 'Mine' })).id;
      await api.post('/v1/messages', { inboxId, contactIds: [contact.id], text: 'Hello' });
    }
    for (let at = 0; at < FORMULAS.length; at += people.length) {
      const names = FORMULAS.slice(at, at + people.length);
      for (const [index, name] of names.entries())
        await cast.owner.api.patch(`/v1/users/${people[index]!.id}`, { name });
      const rows = await eventually(async () => {
        const { text, headers } = await as({ method: 'GET', path: '/v1/reports/message-activity/export' });
        expect(headers.get('content-disposition')).toBe('attachment; filename="message-activity.csv"');
        const found = rowsOf(text);
        const shown = found.map((row) => row[found[0]!.indexOf('user')]!.replace(/^'/, ''));
        // The service receives the new name a moment later, trimmed.
        expect(shown).toEqual(expect.arrayContaining(names.map((name) => name.trim())));
        return found;
      });
      expect(rows.map(({ length }) => length)).toEqual(Array.from({ length: people.length + 1 }, () => 8));
      expect(rows.flat().filter((cell) => /^\s*[=+\-@]/.test(cell))).toEqual([]);
    }
  });

  it('does not get into headers', async () => {
    const evil = 'x\r\nset-cookie: a=b';
    const answers = [
      await as({ method: 'POST', path: '/v1/teams', body: { name: 'a\nset-cookie: a=b' } }),
      await as({ method: 'GET', path: '/v1/me', headers: { 'x-request-id': 'a b' } }),
      await as({ method: 'GET', path: `/v1/${encodeURIComponent(evil)}` }),
      await as({ method: 'GET', path: `/m/${encodeURIComponent(evil)}` }),
      await as({ method: 'GET', path: `/p/${encodeURIComponent(evil)}` }),
    ];
    for (const { headers } of answers) {
      expect(headers.get('set-cookie')).toBeNull();
      expect(headers.get('x-request-id')).toMatch(/^[\w.:-]+$/);
    }
  });

  it('does not get into the log, and cannot start a log line', async () => {
    const mark = 'f0rged';
    const line = `${mark}\r\n{"level":60,"msg":"${mark}"}\u001b[31m`;
    const path = `/v1/users/${encodeURIComponent(line)}`;
    await as({ method: 'GET', path, headers: { 'x-request-id': mark.repeat(50), 'idempotency-key': mark } });
    await as({ method: 'GET', path: `/v1/users?q=${encodeURIComponent(line)}&${mark}=1` });
    await as({ method: 'POST', path: '/v1/teams', body: { name: `${mark}\n{"level":60}` } });
    await as({ method: 'POST', path: '/v1/auth/login', body: { email: `${mark}@example.com`, password: line } });
    await as({ method: 'POST', path: '/v1/teams', body: `{"${mark}` });
    await rawRequest([`GET /${mark} HTTP/1.1`, `user-agent: ${mark}\u001b[31m`, `traceparent: ${mark}`]);
    await rawRequest([`${mark.toUpperCase()} / HTTP/1.1`]);
    for (const written of system.logged) {
      expect(written).not.toContain(mark);
      expect(written.trimEnd()).not.toMatch(/[\r\n\u001b]/);
      expect(JSON.parse(written)).toMatchObject({ level: expect.any(Number) });
    }
  });
});

describe('on the broker', () => {
  const services = PARTS.map(({ name }) => name);
  const callers = [...services.filter((name) => name !== 'identity'), 'gateway', 'subscriber', 'operator'];

  it.each(callers)(
    '%s cannot publish as another service, and cannot subscribe to messages for others',
    async (name) => {
      const user = await BrokerUser.connect(system, name);
      const { publish, subscribe } = foreignTo(name, services);
      const refused = await user.refusals(publish, subscribe);
      await user.close();
      expect({ publish, subscribe }).toEqual(refused);
    },
  );

  it('only identity can delete stored messages', async () => {
    const stored = async () => {
      const identity = await BrokerUser.connect(system, 'identity-streams');
      const messages = await identity.storedIn(['USERS', 'DEPARTURES']);
      await identity.close();
      return messages;
    };
    const before = await stored();
    expect(before.USERS).toBeGreaterThan(0);
    for (const name of callers) {
      const user = await BrokerUser.connect(system, name);
      for (const stream of ['USERS', 'DEPARTURES', 'KV_rate-limits']) expect(await user.doAwayWith(stream)).toEqual([]);
      await user.close();
    }
    expect(await stored()).toEqual(before);
  });
});

describe('in the database', () => {
  const query = (url: string, text: string) =>
    withClient(url, async (client) => (await client.query<Record<string, unknown>>(text)).rows);
  const urlOf = (name: string) => system.serviceDatabaseUrl(name);

  it.each(PARTS.map(({ name }) => name))('%s connects as a user without privileges', async (name) => {
    const [role] = await query(
      urlOf(name),
      `select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
        array(select concat_ws(' ', pg_get_userbyid(m.roleid), m.inherit_option, m.admin_option)
          from pg_auth_members m where m.member = r.oid) as member_of
      from pg_roles r where rolname = current_user`,
    );
    // It may become the role of its calls, which has fewer rights.
    expect(Object.values(role!)).toEqual([false, false, false, false, false, [`${name}_calls f f`]]);
    for (const statement of [
      'create table mine (id int)',
      'create schema mine',
      'create database mine',
      'create role mine',
      `create function mine() returns int language sql as 'select 1'`,
      `set role ${name}_owner`,
      'set session authorization postgres',
      `copy (select 1) to program 'true'`,
      `select pg_read_file('/etc/passwd')`,
      'select rolpassword from pg_authid',
      'alter table inbox disable trigger all',
      'truncate inbox',
    ])
      await expect(query(urlOf(name), statement)).rejects.toThrow(/permission denied|must be owner|only roles with/);
  });

  it('no service can connect to the database of another', async () => {
    const entered: string[] = [];
    for (const { name } of PARTS)
      for (const other of PARTS.filter((part) => part.name !== name)) {
        const there = new URL(urlOf(name));
        there.pathname = new URL(urlOf(other.name)).pathname;
        const refusal = await query(there.href, 'select 1').catch((error: Error) => error.message);
        if (!/permission denied for database/.test(String(refusal)))
          entered.push(`${name} → ${other.name}: ${refusal}`);
      }
    expect(entered).toEqual([]);
  });
});

/** Parses CSV (RFC 4180) as a spreadsheet does. */
function rowsOf(csv: string): string[][] {
  const cells = csv.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g);
  const rows: string[][] = [[]];
  for (const [, cell, end] of cells) {
    rows.at(-1)!.push(cell!.startsWith('"') ? cell!.slice(1, -1).replaceAll('""', '"') : cell!);
    if (end !== ',') rows.push([]);
  }
  return rows.slice(0, -1);
}
