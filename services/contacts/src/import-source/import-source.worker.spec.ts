import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { importSources, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { startContacts } from '../testing/contacts.js';
import { contactOf } from '../testing/importing.js';
import { CustomerServer, Sources } from '../testing/importing-from.js';
import { FtpFolder } from './ftp-folder.js';
import { ImportSourceWorker } from './import-source.worker.js';
import { SftpFolder } from './sftp-folder.js';

let service: TestService;
let admin: Principal;
let sources: Sources;
let server: CustomerServer;
beforeAll(async () => {
  service = await startContacts({ IMPORT_SOURCES_ALLOW_PRIVATE: 'true', IMPORT_LIMIT_BYTES: String(20_000_000) });
});
afterAll(() => service.stop());
beforeEach(async () => {
  admin = await service.person({ roles: ['admin'] });
  sources = new Sources(service, admin);
});
afterEach(async () => {
  await sql`delete from import_source`.execute(db());
  await server.stop();
});

const db = () => service.em().getKysely();

describe('servers that never answer', () => {
  it('do not hold up the sources of other accounts', async () => {
    server = await CustomerServer.start('ftp');
    await server.put('contacts.csv', 'Id\n1\n', { age: 0 });
    let connections = 0;
    const open = new Set<Socket>();
    const silent = createServer((socket) => {
      connections += 1;
      open.add(socket.on('error', () => undefined));
    });
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
    const { port } = silent.address() as AddressInfo;
    try {
      for (let n = 0; n < 10; n++)
        await service.call(admin, importSources.create, { body: server.login({ port, path: `folder-${n}` }) });
      const worker = service.get(ImportSourceWorker);
      worker.wake();
      await eventually(() => connections === 2);
      const other = new Sources(service, await service.person({ roles: ['admin'] }));
      expect((await other.create(server.login())).lastResult).toMatchObject({ waiting: 1 });
      expect(connections).toBe(2);
    } finally {
      for (const socket of open) socket.destroy();
      await new Promise((closed) => silent.close(closed));
    }
  });
});

describe.each([
  ['ftp', FtpFolder],
  ['sftp', SftpFolder],
] as const)('files on an %s server', (kind, Folder) => {
  beforeEach(async () => {
    server = await CustomerServer.start(kind);
  });

  it('are imported, their contacts assigned, and moved to “processed”', async () => {
    const mike = await service.person({ accountId: admin.accountId, name: 'Mike', staffId: 'Mike Counselor' });
    await server.put('contacts.csv', 'ContactId,Name,StaffId\n1,Ada,Mike Counselor\n2,Olu,\n3,Eve,nobody\n');
    await server.put('notes.txt', 'not a CSV file');
    const { id } = await sources.create(server.login());
    expect(await sources.later(id)).toMatchObject({
      lastResult: { imported: 1, failed: 0, waiting: 0 },
      lastError: null,
      active: true,
    });
    expect((await contactOf(service, admin, '1')).assignee).toMatchObject({ id: mike.userId });
    expect((await contactOf(service, admin, '2')).assignee).toBeNull();
    expect(await sources.imports(id)).toEqual([
      expect.objectContaining({
        status: 'completed',
        created: 3,
        assigned: 1,
        unmatchedTotal: 1,
        importedBy: null,
        source: { id, fileName: 'contacts.csv' },
      }),
    ]);
    expect([await server.files(), await server.files('processed')]).toEqual([['notes.txt'], ['contacts.csv']]);
  });

  it('are imported only after 30 seconds without a change', async () => {
    await server.put('contacts.csv', 'Id\n1\n', { age: 0 });
    const { id, lastResult } = await sources.create(server.login());
    expect(lastResult).toEqual({ imported: 0, failed: 0, waiting: 1 });
    await server.put('contacts.csv', 'Id\n1\n2\n', { age: 0 });
    expect((await sources.later(id)).lastResult).toEqual({ imported: 0, failed: 0, waiting: 1 });
    expect(await sources.imports(id)).toEqual([]);
    expect((await sources.later(id)).lastResult).toEqual({ imported: 1, failed: 0, waiting: 0 });
    expect(await sources.imports(id)).toEqual([expect.objectContaining({ created: 2 })]);
  });

  it('are not imported twice after a crash between the import and the move', async () => {
    await server.put('contacts.csv', 'Id\n1\n');
    const { id } = await sources.create(server.login());
    const { rename: move } = Folder.prototype;
    Folder.prototype.rename = () => Promise.reject(new Error('the process ends here'));
    try {
      expect(await sources.later(id)).toMatchObject({ lastError: 'internal', lastResult: null });
    } finally {
      Folder.prototype.rename = move;
    }
    expect(await server.files()).toEqual(['contacts.csv']);
    expect(await sources.imports(id)).toEqual([expect.objectContaining({ status: 'completed' })]);
    for (const _ of [1, 2]) await sources.look(id);
    expect(await sources.imports(id)).toHaveLength(1);
    expect([await server.files(), await server.files('processed')]).toEqual([[], ['contacts.csv']]);
  });

  it('are read again after a crash during the read, and imported once', async () => {
    await server.put('contacts.csv', 'Id\n1\n');
    const { id } = await sources.create(server.login());
    const { look } = Folder.prototype;
    Folder.prototype.look = () => Promise.reject(new Error('the process ends here'));
    try {
      expect(await sources.later(id)).toMatchObject({ lastError: 'internal' });
    } finally {
      Folder.prototype.look = look;
    }
    await sources.look(id);
    expect((await sources.imports(id)).map(({ status }) => status)).toEqual(['completed', 'failed']);
    expect(await contactOf(service, admin, '1')).toBeDefined();
    expect(server.server.read).toEqual(['contacts.csv', 'contacts.csv']);
  });

  it('that come back unchanged are moved away again, and new ones with the same name are imported', async () => {
    await server.put('contacts.csv', 'Id\n1\n');
    const { id } = await sources.create(server.login());
    await sources.later(id);
    await rename(join(server.root, 'processed/contacts.csv'), join(server.root, 'contacts.csv'));
    expect((await sources.look(id)).lastResult).toEqual({ imported: 0, failed: 0, waiting: 0 });
    expect(await server.files('processed')).toEqual(['contacts.csv']);
    await server.put('contacts.csv', 'Id\n2\n', { age: 60 });
    expect((await sources.take(id)).lastResult).toEqual({ imported: 1, failed: 0, waiting: 0 });
    const [latest] = await sources.imports(id);
    expect(await server.files('processed')).toEqual([`${latest!.id}-contacts.csv`, 'contacts.csv']);
  });

  it.each(['deactivated', 'pointed to another folder'])(
    'are not imported when the source is %s while they are read',
    async (change) => {
      await server.put('contacts.csv', 'Id\n1\n');
      const { id } = await sources.create(server.login());
      const { look } = Folder.prototype;
      const read = Promise.withResolvers<void>();
      const changed = Promise.withResolvers<void>();
      Folder.prototype.look = async function (name) {
        read.resolve();
        await changed.promise;
        return look.call(this, name);
      };
      const worker = service.get(ImportSourceWorker);
      try {
        service.clock.advance(31_000);
        worker.wake();
        await read.promise;
        const body = change === 'deactivated' ? { active: false } : { path: 'elsewhere', active: false };
        await service.call(admin, importSources.update, { params: { id }, body });
        changed.resolve();
        await worker.drain();
      } finally {
        Folder.prototype.look = look;
      }
      expect((await sources.imports(id)).map(({ status }) => status)).toEqual(['failed']);
      expect(await server.files()).toEqual(['contacts.csv']);
      expect((await sources.get(id)).lastResult).toEqual({ imported: 0, failed: 0, waiting: 1 });
    },
  );

  it('are imported in time although the clock was ahead at the look before', async () => {
    await server.put('contacts.csv', 'Id\n1\n');
    service.clock.advance(7_200_000);
    const { id, lastRunAt } = await sources.create(server.login());
    service.clock.advance(-7_200_000);
    const worker = service.get(ImportSourceWorker);
    await eventually(async () => {
      worker.wake();
      expect((await sources.get(id)).lastRunAt).not.toBe(lastRunAt);
    });
    expect((await sources.later(id)).lastResult).toEqual({ imported: 1, failed: 0, waiting: 0 });
  });

  it('are imported one after the other, oldest first', async () => {
    await server.put('a.csv', 'Id,Name\n1,newest\n', { age: 60 });
    await server.put('b.csv', 'Id,Name\n1,oldest\n', { age: 3_600 });
    await server.put('C.CSV', 'Id,Name\n1,middle\n', { age: 600 });
    const { id } = await sources.create(server.login());
    expect((await sources.later(id)).lastResult).toMatchObject({ imported: 3 });
    expect((await sources.imports(id)).map(({ source }) => source!.fileName)).toEqual(['a.csv', 'C.CSV', 'b.csv']);
    expect((await contactOf(service, admin, '1')).name).toBe('newest');
  });

  it('that cannot be imported go to “failed” and do not hold up the others', async () => {
    await server.put('bad.csv', 'Name\nAda\n', { age: 7_200 });
    await server.put('good.csv', 'Id\n1\n');
    await server.put('huge.csv', 'x'.repeat(20_000_001));
    const { id } = await sources.create(server.login());
    expect(await sources.later(id)).toMatchObject({
      lastResult: { imported: 1, failed: 2, waiting: 0 },
      lastError: null,
    });
    expect([await server.files('failed'), await server.files('processed')]).toEqual([
      ['bad.csv', 'huge.csv'],
      ['good.csv'],
    ]);
    const imports = await sources.imports(id);
    expect(imports.map(({ source, error }) => [source!.fileName, error])).toEqual([
      ['huge.csv', 'The file is larger than 20000000 bytes.'],
      ['good.csv', null],
      ['bad.csv', expect.stringContaining('ExternalId')],
    ]);
    expect(server.server.read).not.toContain('huge.csv');
  });

  it('that cannot be moved are reported and not imported again', async () => {
    await server.put('contacts.csv', 'Id\n1\n');
    await writeFile(join(server.root, 'processed'), 'a file where a folder should be');
    const { id } = await sources.create(server.login());
    expect(await sources.later(id)).toMatchObject({ lastError: 'source-file-refused', lastResult: { imported: 1 } });
    expect(await sources.look(id)).toMatchObject({ lastError: 'source-file-refused', lastResult: { imported: 0 } });
    await rm(join(server.root, 'processed'));
    expect(await sources.look(id)).toMatchObject({ lastError: null });
    expect(await sources.imports(id)).toHaveLength(1);
    expect(await server.files('processed')).toEqual(['contacts.csv']);
  });

  it('are read from the configured folder, and assigned by the configured column', async () => {
    const mike = await service.person({ accountId: admin.accountId, staffId: 'Mike' });
    await mkdir(join(server.root, 'out'));
    await server.put('out/contacts.csv', 'Id,StaffId,Counselor\n1,,Mike\n');
    const { id } = await sources.create(server.login({ path: 'out', userIdField: 'counselor' }));
    await sources.later(id);
    expect((await contactOf(service, admin, '1')).assignee).toMatchObject({ id: mike.userId });
    await service.call(admin, importSources.update, { params: { id }, body: { userIdField: null } });
    await server.put('out/again.csv', 'Id,StaffId,Counselor\n1,Mike,Mike\n');
    await sources.take(id);
    expect((await contactOf(service, admin, '1')).assignee).toBeNull();
  });

  it('are not reached with a wrong password, in a missing folder, or on a server that is down', async () => {
    const wrong = await sources.create(server.login({ password: 'a wrong one' }));
    expect(wrong).toMatchObject({ lastError: 'source-login-refused', lastResult: null, active: true });
    const missing = await sources.create(server.login({ path: 'no/such/folder' }));
    expect(missing).toMatchObject({ lastError: 'source-folder-missing' });
    await server.server.stop();
    const away = await sources.create(server.login());
    expect(away).toMatchObject({ lastError: 'source-unreachable' });
    server.server = { ...server.server, stop: () => Promise.resolve() };
  });

  it('are retried with growing delays after failures, and the source is deactivated after eight', async () => {
    const { id } = await sources.create(server.login({ password: 'a wrong one', everyMinutes: 10_080 }));
    for (const minutes of [1, 5, 15, 60, 240, 720]) {
      const { active } = await sources.later(id, minutes * 60 + 1);
      expect({ minutes, active }).toEqual({ minutes, active: true });
    }
    expect(await sources.later(id, 24 * 3_600 + 1)).toMatchObject({ active: false, lastError: 'source-login-refused' });
    const { rows } = await sql`select failures from import_source where id = ${id}`.execute(db());
    expect(rows).toEqual([{ failures: 8 }]);
  });
});
