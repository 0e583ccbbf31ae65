import { type TestCalls } from '#libs/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  abortImport,
  appendImport,
  closeImport,
  contactImportsGet,
  contactImportsList,
  IMPORT_CHUNK_BYTES,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';
import { startContacts } from '../testing/contacts.js';
import { contactOf, importFile, upload } from '../testing/importing.js';

let service: TestService;
let admin: Principal;
let ask: TestCalls;
beforeAll(async () => {
  service = await startContacts();
  ask = service.client;
});
afterAll(() => service.stop());
beforeEach(async () => {
  admin = await service.person({ roles: ['admin'] });
});

const read = (id: string) => service.call(admin, contactImportsGet, { params: { id } });
const db = () => service.em().getKysely();
const rowsOf = (count: number) => `Id\n${Array.from({ length: count }, (_, n) => n).join('\n')}\n`;
const pieces = async (importId: string) =>
  (await sql`select n from contact_import_chunk where import_id = ${importId}`.execute(db())).rows.length;

describe('an upload', () => {
  const append = (importId: string, n: number, text: string) =>
    ask.ask(appendImport, { importId, n, data: Buffer.from(text).toString('base64') });

  it('stores a piece that is sent again only once', async () => {
    const id = await upload(service, admin, '');
    for (const [n, text] of [
      [0, 'Id\n1'],
      [0, 'Id\n1'],
      [1, '0\n'],
      [0, 'Id\n1'],
      [1, '0\n'],
    ] as const)
      await append(id, n, text);
    expect(await ask.ask(closeImport, { importId: id })).toMatchObject({ created: 1 });
    await contactOf(service, admin, '10');
  });

  it('refuses a piece after the end, out of order or too long', async () => {
    const id = await upload(service, admin, 'Id\n');
    await expect(append(id, 2, '1\n')).rejects.toMatchObject({ code: 'conflict' });
    await expect(append(id, 1, 'x'.repeat(IMPORT_CHUNK_BYTES + 1))).rejects.toMatchObject({
      code: 'payload-too-large',
    });
    await ask.ask(closeImport, { importId: id });
    await expect(append(id, 1, '1\n')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('that is aborted imports nothing and leaves no pieces behind', async () => {
    const id = await upload(service, admin, 'Id\n1\n');
    expect(await read(id)).toMatchObject({ status: 'uploading' });
    await ask.ask(abortImport, { importId: id });
    await ask.ask(closeImport, { importId: id });
    expect(await read(id)).toMatchObject({ status: 'failed', error: 'The upload was interrupted.', rowsDone: 0 });
    expect(await pieces(id)).toBe(0);
  });

  it('cannot be aborted once the file is complete', async () => {
    const { id } = await importFile(service, admin, 'Id\n1\n');
    await ask.ask(abortImport, { importId: id });
    expect(await read(id)).toMatchObject({ status: 'completed' });
  });

  it('fails after an hour without a piece', async () => {
    const id = await upload(service, admin, 'Id\n1\n');
    await sql`update contact_import set touched_at = touched_at - interval '1 hour' where id = ${id}`.execute(db());
    await eventually(async () => expect(await read(id)).toMatchObject({ status: 'failed' }));
    expect(await pieces(id)).toBe(0);
  });

  it('cannot be started by a user who has left', async () => {
    const gone = await service.person({ accountId: admin.accountId, status: 'deactivated' });
    await expect(upload(service, gone, 'Id\n')).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it('that is closed twice is imported once', async () => {
    const id = await upload(service, admin, rowsOf(2_000));
    const answers = await Promise.all([1, 2].map(() => ask.ask(closeImport, { importId: id })));
    expect(answers.map(({ created }) => created)).toEqual([2_000, 2_000]);
    expect(await ask.ask(closeImport, { importId: id })).toEqual(answers[0]);
  });
});

describe('an upload with an idempotency key', () => {
  const keyed = async (file: string, { key = 'monday', by = admin } = {}) => {
    const importId = await upload(service, by, file);
    const idempotency = { key, digest: createHash('sha256').update(file).digest('hex') };
    return { importId, close: () => ask.ask(closeImport, { importId, idempotency }) };
  };
  const listed = async () => (await service.call(admin, contactImportsList)).items.map(({ id }) => id);

  it('is imported once, so that its repetition does not undo what has been done since', async () => {
    const [one, two] = await Promise.all(
      ['S-1', 'S-2'].map((staffId) => service.person({ accountId: admin.accountId, staffId })),
    );
    const file = 'Id,StaffId\n1,S-1\n';
    const first = await (await keyed(file)).close();
    expect(first).toMatchObject({ created: 1, assigned: 1 });
    expect((await contactOf(service, admin, '1')).assignee?.id).toBe(one!.userId);
    await importFile(service, admin, 'Id,StaffId\n1,S-2\n');
    const again = await keyed(file);
    expect(await again.close()).toEqual(first);
    expect((await contactOf(service, admin, '1')).assignee?.id).toBe(two!.userId);
    expect(await listed()).not.toContain(again.importId);
    expect(await pieces(again.importId)).toBe(0);
  });

  it('is imported once also when both arrive at the same moment', async () => {
    const file = rowsOf(500);
    const both = await Promise.all([keyed(file), keyed(file)]);
    const [one, other] = await Promise.all(both.map(({ close }) => close()));
    expect(one).toMatchObject({ status: 'completed', created: 500 });
    expect(other).toEqual(one);
    expect(await listed()).toEqual([one!.id]);
  });

  it('is refused when the key came with another file or from another person, and leaves nothing behind', async () => {
    const first = await (await keyed(rowsOf(3))).close();
    const colleague = await service.person({ accountId: admin.accountId, roles: ['admin'] });
    for (const other of [await keyed(rowsOf(4)), await keyed(rowsOf(3), { by: colleague })]) {
      await expect(other.close()).rejects.toMatchObject({ code: 'idempotency-mismatch' });
      expect(await pieces(other.importId)).toBe(0);
    }
    expect(await listed()).toEqual([first.id]);
    expect(await (await keyed(rowsOf(4), { key: 'tuesday' })).close()).toMatchObject({ created: 1, updated: 3 });
  });

  it('that was given up leaves its key free', async () => {
    const lost = await keyed(rowsOf(3));
    await ask.ask(abortImport, { importId: lost.importId, reason: 'The file is not text in UTF-8.' });
    expect(await lost.close()).toMatchObject({ status: 'failed', error: 'The file is not text in UTF-8.' });
    expect(await (await keyed(rowsOf(3))).close()).toMatchObject({ status: 'completed', created: 3 });
  });
});
