import {
  abortImport,
  ALL_OPERATIONS,
  appendImport,
  authSessionCreate,
  beginSsoProof,
  closeImport,
  endSsoSessions,
  endSsoSessionsOf,
  importContacts,
  openBrowserSession,
  openImport,
  ssoBackchannelLogout,
  ssoGlobalLogout,
  ssoProve,
  takesIdempotencyKey,
  type Call,
  type Operation,
} from '#libs/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { anId, World } from '../../test/world.js';
import { openApiDocument } from '../openapi/document.js';

interface Described {
  description?: string;
  parameters: { name: string; in: string; required: boolean; schema: { enum?: string[] } }[];
  requestBody?: { content: Record<string, { example: unknown }> };
  responses: Record<string, unknown>;
}

const POSTS = ALL_OPERATIONS.filter(({ method }) => method === 'POST');
const { paths } = openApiDocument(ALL_OPERATIONS);
const describedAs = ({ path }: Operation) =>
  (paths[path.replace(/:(\w+)/g, '{$1}')] as { post: Described } | undefined)!.post;

let world: World;
let headers: Record<string, string>;
beforeAll(async () => {
  world = await World.create({ env: { PASSWORD_RESETS_PER_MINUTE: '1000', PUBLIC_URL: 'https://leaver.example.com' } });
  headers = { authorization: `Bearer ${await world.token()}`, 'idempotency-key': 'monday' };
});
afterAll(() => world.close());

/** One request of the operation for each media type that it takes, and one that differs in its body alone. */
interface Sample {
  title: string;
  operation: Operation;
  mediaType?: string;
  body?: unknown;
}

const samples = POSTS.flatMap((operation): Sample[] => {
  const contents = Object.entries(describedAs(operation).requestBody?.content ?? {});
  if (contents.length === 0) return [{ title: operation.id, operation }];
  return contents.map(([mediaType, { example }]) => ({
    title: `${operation.id} (${mediaType})`,
    operation,
    mediaType,
    body: example,
  }));
});

const addresses = new Map(POSTS.map((one) => [one, addressOf(one)]));

function addressOf(operation: Operation): string {
  const required = describedAs(operation).parameters.filter((one) => one.in === 'query' && one.required);
  const query = required.map(({ name, schema }) => `${name}=${schema.enum?.[0] ?? 'x'}`).join('&');
  return `${operation.path.replace(/:\w+/g, anId)}${query && `?${query}`}`;
}

async function send({ operation, mediaType, body }: Sample): Promise<Response> {
  const path = addresses.get(operation)!;
  if (mediaType === undefined) return world.request('POST', path, { headers });
  if (mediaType === 'application/json') return world.request('POST', path, { headers, json: body });
  const isText = mediaType !== 'multipart/form-data';
  const text = isText ? (body as string) : (body as { file: string }).file;
  if (isText) return world.request('POST', path, { headers: { ...headers, 'content-type': mediaType }, body: text });
  const form = new FormData();
  form.set('file', new Blob([text], { type: 'text/csv' }), 'contacts.csv');
  return world.request('POST', path, { headers, body: form });
}

/** The same body with one value changed, in all ways that may be valid. */
function* others(value: unknown): Generator<unknown> {
  if (typeof value === 'string') {
    yield `${value}x`;
    yield* ['all', 'failed'].filter((word) => word !== value);
    if (/^[0-9a-f-]{36}$/.test(value)) yield anId();
    if (/^\+\d+$/.test(value)) yield `${value}1`;
    if (/^\d{4}-/.test(value)) yield value.replace(/^\d{4}/, '2031');
    if (value.includes('@')) yield `x${value}`;
  }
  if (typeof value === 'number') yield value + 1;
  if (typeof value === 'boolean') yield !value;
  if (Array.isArray(value)) for (const other of others(value[0])) yield [other, ...(value.slice(1) as unknown[])];
  else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value))
      for (const other of others(inner)) yield { ...value, [name]: other };
}

/** What the service is told about the request, by the call itself or at the end of an upload. */
function listen(operation: Operation): Pick<Call, 'idempotency'>[] {
  if (operation.id === authSessionCreate.id)
    return world.services.answer(openBrowserSession, () => ({ secret: 'x'.repeat(65), user: {} }) as never) as never;
  if (operation.id === ssoBackchannelLogout.id) return world.services.answer(endSsoSessions, () => undefined) as never;
  if (operation.id === ssoGlobalLogout.id) return world.services.answer(endSsoSessionsOf, () => undefined) as never;
  if (operation.id === ssoProve.id)
    return world.services.answer(beginSsoProof, () => ({ url: 'https://example.com', browser: 'x' })) as never;
  if (operation.id !== importContacts.id) return world.services.handle(operation, () => ({ id: anId() }));
  world.services.answer(openImport, () => ({ importId: anId() }));
  world.services.answer(appendImport, () => ({}));
  world.services.answer(abortImport, () => ({}));
  return world.services.answer(closeImport, () => ({ id: anId(), status: 'completed' }) as never);
}

describe('every POST with an Idempotency-Key', () => {
  it('is among these', () => {
    expect(POSTS.length).toBeGreaterThan(70);
    expect(POSTS.filter((one) => !takesIdempotencyKey(one)).map(({ id }) => id)).toEqual([
      'auth.login',
      'auth.passkey.options',
      'auth.refresh',
      'auth.session.create',
      'auth.sso.lookup',
      'auth.sso.backchannel-logout',
      'auth.sso.global-logout',
      'auth.step-up',
      'certificates.verify',
      'me.passkeys.options',
      'me.recovery-codes.create',
      'me.sso.prove',
      'me.totp.create',
      'me.totp.confirm',
      'users.departure-preview.choices',
    ]);
  });

  it.each(samples)('$title hands it on with a digest of the request, or says that it does not', async (sample) => {
    const { operation } = sample;
    const calls = listen(operation);
    const answers = [await send(sample), await send(sample)];
    expect([operation.id, ...answers.map(({ status }) => status < 300)]).toEqual([operation.id, true, true]);
    if (takesIdempotencyKey(operation)) {
      expect(calls.map(({ idempotency }) => idempotency)).toEqual([
        { key: expect.any(String), digest: expect.any(String) },
        calls[0]!.idempotency,
      ]);
    } else expect(calls.map(({ idempotency }) => idempotency)).toEqual([undefined, undefined]);
  });

  it.each(samples.filter((one) => one.body !== undefined && takesIdempotencyKey(one.operation)))(
    '$title tells another body from the same one',
    async (sample) => {
      const calls = listen(sample.operation);
      await send(sample);
      for (const body of others(sample.body)) if ((await send({ ...sample, body })).status < 300) break;
      const [first, other] = calls.map(({ idempotency }) => idempotency!);
      expect(other!.key).toBe(first!.key);
      expect(other!.digest).not.toBe(first!.digest);
    },
  );

  it('is described as such', async () => {
    const reliability = await readFile(new URL('../../../../docs/RELIABILITY.md', import.meta.url), 'utf8');
    const sentence = /`Idempotency-Key` is ignored by ([^.]*)\./.exec(reliability.replace(/\s+/g, ' '))?.[1];
    const named = [...(sentence ?? '').matchAll(/`POST (\S+)`/g)].map(([, path]) => path);
    expect(named).toEqual(POSTS.filter((one) => !takesIdempotencyKey(one)).map(({ path }) => path));
    for (const operation of POSTS) {
      const { parameters, description = '', responses } = describedAs(operation);
      const takes = takesIdempotencyKey(operation);
      expect([operation.id, parameters.some(({ name }) => name === 'Idempotency-Key')]).toEqual([operation.id, takes]);
      expect([operation.id, description.includes('An `Idempotency-Key` is ignored. ')]).toEqual([operation.id, !takes]);
      expect([operation.id, JSON.stringify(responses).includes('idempotency-mismatch')]).toEqual([operation.id, takes]);
    }
  });
});

it('a POST to another address or with another query is another request', async () => {
  const operation = POSTS.find(({ id }) => id === 'departures.bulk')!;
  const calls = listen(operation);
  for (const query of ['?transition=deleted', '?transition=deactivated'])
    await world.request('POST', `${operation.path}${query}`, {
      headers: { ...headers, 'content-type': 'text/csv' },
      body: 'staffId\n1\n',
    });
  const [one, other] = calls.map(({ idempotency }) => idempotency!.digest);
  expect(other).not.toBe(one);
});

it('a file of contacts is the same one in a form, whose boundary is another each time', async () => {
  const calls = listen(importContacts);
  const sample = samples.find(({ title }) => title === 'contact-imports.create (multipart/form-data)')!;
  for (let n = 0; n < 2; n++) await send(sample);
  await world.request('POST', `${importContacts.path}?userIdField=Counselor`, {
    headers: { ...headers, 'content-type': 'text/csv' },
    body: (sample.body as { file: string }).file,
  });
  const [one, again, otherField] = calls.map(({ idempotency }) => idempotency!.digest);
  expect(again).toBe(one);
  expect(otherField).not.toBe(one);
});

it('a file with a malformed key is not read', async () => {
  const opened = world.services.answer(openImport, () => ({ importId: anId() }));
  const answer = await world.request('POST', importContacts.path, {
    headers: { 'content-type': 'text/csv', 'idempotency-key': 'x'.repeat(256) },
    body: 'Id\n1\n',
  });
  expect([answer.status, opened]).toEqual([400, []]);
});
