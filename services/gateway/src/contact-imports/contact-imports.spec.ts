import {
  abortImport,
  appendImport,
  closeImport,
  IMPORT_CHUNK_BYTES,
  openImport,
  Problem,
  type ContactImport,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type ClientRequest } from 'node:http';
import { anId, bodyOf, World } from '../../test/world.js';

const MEGABYTE = 1024 ** 2;
/** Random text of so many bytes. */
const randomText = (bytes: number) =>
  Buffer.from(
    randomBytes(Math.ceil(bytes / 2))
      .toString('hex')
      .slice(0, bytes),
  );
/** Upper bound for bytes in flight: the socket buffers of the operating system and a few chunks of ours. */
const IN_FLIGHT = 16 * MEGABYTE;

let world: World;
let opened: object[];
let closed: object[];
let aborted: object[];
let pieces: Buffer[];
let importId: string;

const result = (status: ContactImport['status']): ContactImport => ({
  id: importId,
  status,
  created: 1,
  updated: 0,
  assigned: 0,
  cleared: 0,
  unmatched: [],
  rejected: [],
});

beforeAll(async () => {
  world = await World.create({ env: { IMPORT_LIMIT_BYTES: String(100 * MEGABYTE) } });
});
afterAll(() => world.close());
beforeEach(() => {
  importId = anId();
  pieces = [];
  opened = world.services.answer(openImport, () => ({ importId }));
  world.services.answer(appendImport, ({ data }) => {
    pieces.push(Buffer.from(data, 'base64'));
    return {};
  });
  closed = world.services.answer(closeImport, () => result('completed'));
  aborted = world.services.answer(abortImport, () => ({}));
});

const csv = { 'content-type': 'text/csv' };
const upload = (body: RequestInit['body'], headers: Record<string, string> = csv, query = '') =>
  world.request('POST', `/v1/contact-imports${query}`, { body, headers });

async function startUpload(): Promise<ClientRequest> {
  const headers = { ...csv, authorization: `Bearer ${await world.token()}` };
  return request(`${world.url}/v1/contact-imports`, { method: 'POST', headers });
}

describe('a file of contacts', () => {
  it('reaches the contacts service unchanged, in chunks', async () => {
    const file = new Uint8Array(randomText(3 * IMPORT_CHUNK_BYTES + 17));
    const answer = await upload(file, csv, '?userIdField=StaffId');
    expect([answer.status, answer.headers.get('location')]).toEqual([201, `/v1/contact-imports/${importId}`]);
    expect(await bodyOf(answer)).toEqual(result('completed'));
    expect(opened).toEqual([expect.objectContaining({ userIdField: 'StaffId' })]);
    expect(pieces.map(({ length }) => length)).toEqual([...Array(3).fill(IMPORT_CHUNK_BYTES), 17]);
    expect(Buffer.concat(pieces).equals(file)).toBe(true);
    expect(aborted).toEqual([]);
  });

  it('can be sent as a form', async () => {
    const form = new FormData();
    form.set('file', new Blob(['externalId,name\n1,Ada\n'], { type: 'text/csv' }), 'contacts.csv');
    const answer = await upload(form, {});
    expect([answer.status, Buffer.concat(pieces).toString()]).toEqual([201, 'externalId,name\n1,Ada\n']);
  });

  it('is answered with 202 when it takes longer', async () => {
    world.services.answer(closeImport, () => result('running'));
    expect((await upload('a\n1\n')).status).toBe(202);
  });

  it('must be present and of the right type', async () => {
    const form = new FormData();
    form.set('comment', 'no file');
    const answers = [
      await upload('{}', { 'content-type': 'application/json' }),
      await upload(form, {}),
      await upload('a', csv, '?column=x'),
      await world.request('POST', '/v1/contact-imports'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([415, 400, 400, 400]);
    expect(opened).toEqual([]);
  });

  it('is aborted when the contacts service refuses a chunk', async () => {
    world.services.answer(appendImport, () => {
      throw new Problem('validation', { detail: 'There is no heading.' });
    });
    const answer = await upload('nonsense');
    expect([answer.status, (await bodyOf(answer)).detail]).toEqual([400, 'There is no heading.']);
    expect([aborted, closed]).toEqual([[{ importId, reason: 'There is no heading.' }], []]);
  });
});

describe('a long file', () => {
  it('is read no faster than the contacts service accepts it', async () => {
    const chunk = randomText(MEGABYTE);
    const sentHash = createHash('sha256');
    const receivedHash = createHash('sha256');
    let [sent, received, lead] = [0, 0, 0];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    world.services.answer(appendImport, async ({ data }) => {
      await held;
      const piece = Buffer.from(data, 'base64');
      received += piece.length;
      receivedHash.update(piece);
      return {};
    });
    const client = await startUpload();
    const answered = once(client, 'response');
    const sending = (async () => {
      for (let n = 0; n < 64; n++) {
        sentHash.update(chunk);
        if (!client.write(chunk)) await once(client, 'drain');
        sent += chunk.length;
        lead = Math.max(lead, sent - received);
      }
      client.end();
    })();
    await stalled(() => sent);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(IN_FLIGHT);
    release();
    await sending;
    const [response] = await answered;
    response.resume();
    expect([response.statusCode, received]).toEqual([201, 64 * MEGABYTE]);
    expect(receivedHash.digest('hex')).toBe(sentHash.digest('hex'));
    expect(lead).toBeLessThan(IN_FLIGHT);
  });

  it('is refused beyond the size limit', async () => {
    const client = await startUpload();
    let over = false;
    client.on('error', () => undefined).on('close', () => (over = true));
    const answered = once(client, 'response').then(
      ([response]) => response.statusCode,
      () => 'reset',
    );
    void answered.then(() => (over = true));
    const chunk = Buffer.alloc(MEGABYTE);
    for (let n = 0; n < 120 && !over; n++) {
      if (!client.write(chunk)) await eventually(() => over || !client.writableNeedDrain);
    }
    client.end();
    // A client that keeps sending may lose the connection before it has read the answer.
    expect([413, 'reset']).toContain(await answered);
    const reason = 'The request is too large';
    await eventually(() => expect([aborted, closed]).toEqual([[{ importId, reason }], []]));
  });

  it('is aborted when the upload is interrupted', async () => {
    const client = await startUpload();
    client.on('error', () => undefined);
    client.write(Buffer.alloc(2 * IMPORT_CHUNK_BYTES));
    await eventually(() => expect(pieces.length).toBeGreaterThan(0));
    client.destroy();
    await eventually(() => expect(aborted).toEqual([{ importId }]));
    expect(closed).toEqual([]);
  });

  it('is aborted when an upload in a form is interrupted', async () => {
    const headers = {
      'content-type': 'multipart/form-data; boundary=edge',
      authorization: `Bearer ${await world.token()}`,
    };
    const client = request(`${world.url}/v1/contact-imports`, { method: 'POST', headers });
    client.on('error', () => undefined);
    client.write(
      '--edge\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\ncontent-type: text/csv\r\n\r\n',
    );
    client.write(Buffer.alloc(2 * IMPORT_CHUNK_BYTES));
    await eventually(() => expect(pieces.length).toBeGreaterThan(0));
    client.destroy();
    await eventually(() => expect(aborted).toEqual([{ importId }]));
    expect(closed).toEqual([]);
  });
});

/** Waits until a number has not grown for ten checks. */
async function stalled(read: () => number): Promise<void> {
  let [last, looks] = [-1, 0];
  await eventually(
    () => {
      looks = read() === last ? looks + 1 : 0;
      last = read();
      return looks >= 10;
    },
    { interval: 30 },
  );
}
