import { abortImport, appendImport, IMPORT_CHUNK_BYTES, openImport } from '#libs/contracts';
import { TestClock } from '#libs/database';
import { eventually } from '#libs/test-kit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request, type ClientRequest } from 'node:http';
import { anId, World } from '../../test/world.js';

let world: World;
let clock: TestClock;
beforeAll(async () => {
  clock = new TestClock();
  world = await World.create({ clock });
  world.introspection = { userId: anId(), accountId: anId(), roles: ['owner'] };
});
afterAll(() => world.close());

interface Sending {
  client: ClientRequest;
  answer: Promise<{ status: number; type?: string; body: string }>;
}

async function send(path: string, type: string): Promise<Sending> {
  const headers = { 'content-type': type, authorization: 'Bearer lvr_id_secret' };
  await world.services.settled();
  const client = request(`${world.url}${path}`, { method: 'POST', headers });
  client.flushHeaders();
  const answer = new Promise<Awaited<Sending['answer']>>((resolve, reject) => {
    client.on('error', reject);
    client.on('response', (response) => {
      let body = '';
      response.on('data', (piece: Buffer) => (body += piece.toString()));
      response.on('end', () => resolve({ status: response.statusCode!, type: response.headers['content-type'], body }));
    });
  });
  return { client, answer };
}

const tooSlow = { status: 408, type: 'application/problem+json', body: expect.stringContaining('request-timeout') };
const written = (client: ClientRequest, data: Buffer | string) =>
  new Promise<void>((resolve) => client.write(data, () => resolve()));

/** Lets ten seconds pass at a time until there is an answer. */
async function answerAfter({ answer }: Sending, meanwhile: () => Promise<void> = async () => {}) {
  let answered = false;
  answer.then(
    () => (answered = true),
    () => (answered = true),
  );
  await eventually(
    async () => {
      clock.advance(10_000);
      if (!answered) await meanwhile();
      expect(answered).toBe(true);
    },
    { interval: 100 },
  );
  return answer;
}

describe('a request body', () => {
  it('that stops for half a minute is given up', async () => {
    const sending = await send('/v1/auth/login', 'application/json');
    await written(sending.client, '{"email":');
    expect(await answerAfter(sending)).toEqual(tooSlow);
  });

  it('that comes drop by drop is given up after a minute, and the import is aborted', async () => {
    const importId = anId();
    world.services.answer(openImport, () => ({ importId }));
    const aborted = world.services.answer(abortImport, () => ({}));
    const sending = await send('/v1/contact-imports', 'text/csv');
    expect(await answerAfter(sending, () => written(sending.client, 'ContactId\n'))).toEqual(tooSlow);
    await eventually(() => expect(aborted).toEqual([expect.objectContaining({ importId })]));
  });

  it('that is large goes on for as long as it needs, also while we are the slow ones', async () => {
    world.services.answer(openImport, () => ({ importId: anId() }));
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let pieces = 0;
    world.services.answer(appendImport, async () => {
      pieces++;
      await held;
      return {};
    });
    const { client, answer } = await send('/v1/contact-imports', 'text/csv');
    let answered = false;
    answer.then(
      () => (answered = true),
      () => (answered = true),
    );
    // More than the buffers between us hold, so that unread bytes wait at the gateway.
    const row = Buffer.alloc(IMPORT_CHUNK_BYTES, 'a');
    for (let n = 0; n < 64; n++) client.write(row);
    await eventually(() => expect(pieces).toBe(1));
    for (let n = 0; n < 3; n++) {
      const silent = await send('/v1/auth/login', 'application/json');
      await written(silent.client, '{');
      expect(await answerAfter(silent)).toEqual(tooSlow);
    }
    expect(answered).toBe(false);
    client.destroy();
    release();
  });
});
