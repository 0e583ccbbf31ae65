import {
  abortImport,
  appendImport,
  authLogin,
  closeImport,
  departuresBulk,
  IMPORT_CHUNK_BYTES,
  openImport,
  scimUsers,
  teamsCreate,
  usersList,
} from '#libs/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { anId, bodyOf, World } from '../../test/world.js';
import { onlyUtf8 } from './encoding.js';

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const UTF16 = new Uint8Array(Buffer.from('\ufeff{"name":"Jürg"}', 'utf16le'));

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world.close());

const outcomeOf = async (answer: Response) => [answer.status, (await bodyOf(answer)).code as string];
const refused = [400, 'invalid-encoding'];

describe('a body that is not UTF-8', () => {
  it.each([
    ['Latin-1', latin1('{"name":"Jürg"}')],
    ['UTF-16', UTF16],
    ['a character cut off', new Uint8Array(Buffer.from('{"name":"Jü')).subarray(0, -1)],
    ['a surrogate in CESU-8', new Uint8Array(Buffer.from('{"name":"\xed\xa0\x80"}', 'latin1'))],
  ])('is refused as JSON: %s', async (_, body) => {
    const calls = world.services.handle(teamsCreate, () => ({}));
    const headers = { 'content-type': 'application/json' };
    const answer = await world.request('POST', '/v1/teams', { body, headers });
    expect(await outcomeOf(answer)).toEqual(refused);
    expect(calls).toEqual([]);
  });

  it('is refused whatever charset it claims to have', async () => {
    const headers = { 'content-type': 'application/json; charset=iso-8859-1' };
    const answer = await world.request('POST', '/v1/teams', { body: latin1('{"name":"Jürg"}'), headers });
    expect(await outcomeOf(answer)).toEqual(refused);
  });

  it('is refused as SCIM, in its own words', async () => {
    const calls = world.services.handle(scimUsers.create, () => ({}));
    const headers = { 'content-type': 'application/scim+json', authorization: 'Bearer scim_x' };
    const answer = await world.request('POST', '/scim/v2/Users', { body: latin1('{"userName":"Jürg"}'), headers });
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({
      scimType: 'invalidSyntax',
      detail: expect.stringMatching(/^invalid-encoding: /),
    });
    expect(calls).toEqual([]);
  });

  it('is refused as a list of leavers', async () => {
    const calls = world.services.handle(departuresBulk, () => ({ id: anId() }));
    const headers = { 'content-type': 'text/csv' };
    const body = latin1('staffId\nJürg\n');
    const answer = await world.request('POST', '/v1/departures/bulk?transition=deleted', { body, headers });
    expect(await outcomeOf(answer)).toEqual(refused);
    expect(calls).toEqual([]);
  });

  it('is refused as a file of contacts, also in a form, and nothing is imported', async () => {
    const importId = anId();
    world.services.answer(openImport, () => ({ importId }));
    world.services.answer(appendImport, () => ({}));
    const aborted = world.services.answer(abortImport, () => ({}));
    const closed = world.services.answer(closeImport, () => {
      throw new Error('closed');
    });
    const file = latin1(`Id,Name\n${'1,Ada\n'.repeat(IMPORT_CHUNK_BYTES / 6)}2,Jürg\n`);
    const form = new FormData();
    form.set('file', new Blob([file], { type: 'text/csv' }), 'contacts.csv');
    const answers = [
      await world.request('POST', '/v1/contact-imports', { body: file, headers: { 'content-type': 'text/csv' } }),
      await world.request('POST', '/v1/contact-imports', { body: form }),
    ];
    expect(await Promise.all(answers.map(outcomeOf))).toEqual([refused, refused]);
    expect([aborted.length, closed]).toEqual([2, []]);
  });
});

it('a file is checked piece by piece, though characters may be cut in two', async () => {
  const read = async (pieces: Buffer[]) => Buffer.concat(await Readable.from(onlyUtf8(from(pieces), 'It')).toArray());
  const from = (pieces: Buffer[]) => Readable.from(pieces);
  const text = Buffer.from('a😀ü');
  expect((await read([...text].map((byte) => Buffer.from([byte])))).equals(text)).toBe(true);
  for (const cut of [1, 2, 3].map((end) => text.subarray(0, 1 + end)))
    await expect(read([cut])).rejects.toMatchObject({ code: 'invalid-encoding' });
});

describe('an address that is not UTF-8', () => {
  it.each([
    ['/v1/users?q=J%FCrg'],
    ['/v1/users?q=%ED%A0%80'],
    ['/v1/users?q=100%'],
    ['/v1/users?q=%zz'],
    ['/v1/users?J%FCrg=1'],
    ['/v1/users/J%FCrg'],
    ['/v1/nowhere/%FC'],
  ])('is refused: %s', async (path) => {
    const calls = world.services.handle(usersList, () => ({ items: [], nextCursor: null }));
    expect(await outcomeOf(await world.request('GET', path))).toEqual(refused);
    expect(calls).toEqual([]);
  });

  it('is refused for SCIM, in its own words', async () => {
    const answer = await world.request('GET', '/scim/v2/Users?filter=userName%20eq%20%22J%FCrg%22');
    expect([answer.status, (await bodyOf(answer)).detail]).toEqual([400, expect.stringMatching(/^invalid-encoding: /)]);
  });

  it.each([Buffer.from('Jürg', 'latin1'), Buffer.from('Jürg', 'utf8')])(
    'is refused when it is not encoded at all',
    async (name) => {
      const socket = connect(Number(new URL(world.url).port), '127.0.0.1');
      const end = ' HTTP/1.1\r\nhost: leaver\r\nconnection: close\r\n\r\n';
      socket.write(Buffer.concat([Buffer.from('GET /v1/users?q='), name, Buffer.from(end)]));
      const [heard] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      expect(heard.toString()).toMatch(/^HTTP\/1\.1 400 /);
    },
  );

  it('is taken with every character that is', async () => {
    const calls = world.services.handle(usersList, () => ({ items: [], nextCursor: null }));
    expect((await world.request('GET', `/v1/users?q=${encodeURIComponent('Jürg 😀 100%')}`)).status).toBe(200);
    expect(calls).toMatchObject([{ query: { q: 'Jürg 😀 100%' } }]);
  });
});

describe('a header that is kept as text', () => {
  const login = async (userAgent: Buffer) => {
    const calls = world.services.handle(authLogin, () => ({}));
    await world.services.settled();
    // A character of a header is a byte.
    const headers = { 'content-type': 'application/json', 'user-agent': userAgent.toString('latin1') };
    const body = JSON.stringify({ email: 'ada@example.com', password: 'right' });
    const answer = await fetch(`${world.url}/v1/auth/login`, { method: 'POST', headers, body });
    return { answer, client: calls[0]?.client };
  };

  it('is read as UTF-8, and cut between characters', async () => {
    const { answer, client } = await login(Buffer.from(`${'x'.repeat(299)}👨‍👩‍👧 Jürg`));
    expect([answer.status, client?.userAgent]).toEqual([200, 'x'.repeat(299)]);
    expect((await login(Buffer.from('Jürgs Gerät'))).client?.userAgent).toBe('Jürgs Gerät');
  });

  it('is refused when it is not', async () => {
    const { answer, client } = await login(Buffer.from('J\xfcrg', 'latin1'));
    expect(await outcomeOf(answer)).toEqual(refused);
    expect(client).toBeUndefined();
  });
});
