import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { IMPORT_CHUNK_BYTES } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Uploads } from '../contact-import/uploads.js';
import { startContacts } from '../testing/contacts.js';
import { CustomerServer, Sources } from '../testing/importing-from.js';
import { PieceWriter } from './piece-writer.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const MEGABYTE = 1024 ** 2;
/** Size of a test file without the ids. */
const BYTES = 6_000_000;

describe('pieces of a file', () => {
  it('are full except the last, and contain exactly the expected bytes', async () => {
    const pieces: Buffer[] = [];
    const bytes = Buffer.alloc(2 * IMPORT_CHUNK_BYTES + 5, 'abc');
    const writer = new PieceWriter(bytes.length, async (piece) => void pieces.push(piece));
    await pipeline(Readable.from([bytes.subarray(0, 7), bytes.subarray(7), Buffer.from('more')]), writer);
    expect(pieces.map(({ length }) => length)).toEqual([IMPORT_CHUNK_BYTES, IMPORT_CHUNK_BYTES, 5]);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    expect(writer.bytes).toBe(bytes.length + 4);
  });

  it('are read only after those before have been stored', async () => {
    let release = () => {};
    const kept = new Promise<void>((resolve) => (release = resolve));
    let read = 0;
    async function* endless() {
      for (; read < 100; read++) yield Buffer.alloc(IMPORT_CHUNK_BYTES);
    }
    const writer = new PieceWriter(Number.MAX_SAFE_INTEGER, () => kept);
    const source = Readable.from(endless(), { highWaterMark: 1 });
    const paused = once(source, 'pause');
    const written = pipeline(source, writer);
    await paused;
    expect(read).toBeLessThan(5);
    release();
    await written;
    expect(writer.bytes).toBe(100 * IMPORT_CHUNK_BYTES);
  });

  it('that cannot be stored end the stream with the error', async () => {
    const fault = new Error('no room');
    const writer = new PieceWriter(10, () => Promise.reject(fault));
    await expect(pipeline(Readable.from([Buffer.alloc(5)]), writer)).rejects.toBe(fault);
    expect(writer.fault).toBe(fault);
  });
});

describe('a long file', () => {
  let service: TestService;
  let server: CustomerServer;
  const { append } = Uploads.prototype;
  beforeAll(async () => {
    service = await startContacts({ IMPORT_SOURCES_ALLOW_PRIVATE: 'true' });
  });
  afterEach(async () => {
    Uploads.prototype.append = append;
    await server.stop();
  });
  afterAll(() => service.stop());

  it.each([
    { kind: 'sftp', rows: 40_000 },
    { kind: 'ftp', rows: 10_000 },
  ] as const)('of $rows rows over $kind is copied in constant memory', async ({ kind, rows }) => {
    const admin = await service.person({ roles: ['admin'] });
    const sources = new Sources(service, admin);
    server = await CustomerServer.start(kind);
    // The same few contacts repeated: the test is about reading the file, not about writing contacts.
    const filler = 'x'.repeat(BYTES / rows);
    const block = Array.from({ length: 500 }, (_, n) => `${n},${filler}\n`).join('');
    await server.put('contacts.csv', `Id,Remark\n${block.repeat(rows / 500)}`);
    const used = () => {
      // The first collection may leave buffers that are freed only after it has finished.
      collectGarbage();
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const { id } = await sources.create(server.login());
    const memory: number[] = [];
    Uploads.prototype.append = async function (importId, n, data) {
      if (n % 3 === 0) memory.push(used());
      return append.call(this, importId, n, data);
    };
    expect((await sources.later(id, 31, 50_000)).lastResult).toMatchObject({ imported: 1 });
    expect((await sources.imports(id))[0]).toMatchObject({ rowsDone: rows, created: 500, rejectedTotal: 0 });
    expect(memory.length).toBeGreaterThan(5);
    expect((Math.max(...memory) - memory[0]!) / MEGABYTE).toBeLessThan(4);
  });
});
