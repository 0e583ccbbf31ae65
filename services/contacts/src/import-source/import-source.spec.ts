import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { importSourceRun, importSources, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { serviceKeys, eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { PassThrough } from 'node:stream';
import { startService } from '#libs/platform';
import { ContactsConfig } from '../contacts.config.js';
import { ContactsModule } from '../contacts.module.js';
import { CONTACTS_SECRET, startContacts } from '../testing/contacts.js';
import { CustomerServer, PASSWORD, Sources } from '../testing/importing-from.js';
import type { SftpServer } from '../testing/sftp-server.js';
import { ImportSourceWorker } from './import-source.worker.js';
import { SourceSchedule } from './source-schedule.js';

let service: TestService;
let admin: Principal;
let sources: Sources;
let server: CustomerServer;
beforeAll(async () => {
  service = await startContacts({ IMPORT_SOURCES_ALLOW_PRIVATE: 'true' });
});
afterAll(() => service.stop());
beforeEach(async () => {
  admin = await service.person({ roles: ['admin'] });
  sources = new Sources(service, admin);
  server = await CustomerServer.start('sftp');
});
afterEach(async () => {
  await sql`delete from import_source`.execute(db());
  await server.stop();
});

const db = () => service.em().getKysely();
const create = (body: ReturnType<CustomerServer['login']>) => service.call(admin, importSources.create, { body });
const update = (id: string, body: object) => service.call(admin, importSources.update, { params: { id }, body });

describe('an import source', () => {
  it('has the given settings and defaults for the rest, and does not return the password', async () => {
    const body = {
      kind: 'sftp',
      host: 'ftp.example.com',
      username: 'campus',
      password: PASSWORD,
      active: false,
    } as const;
    const created = await create(body);
    expect(created).toEqual({
      id: expect.any(String),
      ownerId: admin.userId,
      owner: { id: admin.userId, name: expect.any(String), status: 'active' },
      kind: 'sftp',
      host: 'ftp.example.com',
      port: 22,
      path: '.',
      username: 'campus',
      hostKey: null,
      offeredHostKey: null,
      userIdField: 'StaffId',
      everyMinutes: 60,
      active: false,
      lastRunAt: null,
      lastResult: null,
      lastError: null,
      createdAt: expect.any(String),
    });
    expect(await create({ ...body, kind: 'ftps' })).toMatchObject({ port: 21 });
    const changed = await update(created.id, { path: 'out', userIdField: null, everyMinutes: 5 });
    expect(changed).toEqual({ ...created, path: 'out', userIdField: null, everyMinutes: 5 });
    expect(await sources.get(created.id)).toEqual(changed);
  });

  it('is visible only to its account', async () => {
    const { id } = await create(server.login({ active: false }));
    const stranger = await service.person({ roles: ['owner'] });
    const params = { id };
    for (const call of [
      () => service.call(stranger, importSources.get, { params }),
      () => service.call(stranger, importSources.update, { params, body: { active: true } }),
      () => service.call(stranger, importSourceRun, { params }),
      () => service.call(stranger, importSources.remove, { params }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'not-found' });
    expect((await service.call(stranger, importSources.list)).items).toEqual([]);
    expect((await service.call(admin, importSources.list)).items).toHaveLength(1);
  });

  it('can be called by owners and admins only', () => {
    for (const operation of [...Object.values(importSources), importSourceRun])
      expect(operation.access).toEqual(['owner', 'admin']);
  });

  it('that is removed leaves its imports in the history', async () => {
    await server.put('contacts.csv', 'Id\n1\n');
    const { id } = await sources.create(server.login());
    await sources.later(id);
    const [done] = await sources.imports(id);
    await service.call(admin, importSources.remove, { params: { id } });
    await expect(sources.get(id)).rejects.toMatchObject({ code: 'not-found' });
    const { rows } = await sql`select source_id, file_name from contact_import where id = ${done!.id}`.execute(db());
    expect(rows).toEqual([{ source_id: null, file_name: 'contacts.csv' }]);
  });

  it('that is not active is not polled', async () => {
    const { id } = await create(server.login({ active: false }));
    await expect(service.call(admin, importSourceRun, { params: { id } })).rejects.toMatchObject({ code: 'conflict' });
    await service.get(ImportSourceWorker).drain();
    expect((await sources.get(id)).lastRunAt).toBeNull();
  });

  it('is polled again when it is due', async () => {
    const { id } = await sources.create(server.login({ everyMinutes: 5 }));
    await server.put('contacts.csv', 'Id\n1\n');
    expect(await sources.later(id, 301)).toMatchObject({ lastResult: { waiting: 1 } });
  });

  it('requires the password again if the server changes', async () => {
    const { id } = await create(server.login({ active: false }));
    for (const body of [{ host: 'evil.example.com' }, { port: 2222 }, { kind: 'ftp' }])
      await expect(update(id, body)).rejects.toMatchObject({ details: { errors: [{ field: 'password' }] } });
    const moved = await update(id, { host: 'ftp.example.com', password: 'another' });
    expect(moved).toMatchObject({ host: 'ftp.example.com', hostKey: null });
  });

  it('is polled immediately after a change', async () => {
    const { id, lastError } = await sources.create(server.login({ password: 'a wrong one' }));
    expect(lastError).toBe('source-login-refused');
    await update(id, { password: PASSWORD });
    await eventually(async () => expect(await sources.get(id)).toMatchObject({ lastError: null, active: true }));
  });
});

describe('the host key', () => {
  it('of the first connection is pinned; another one is shown and refused before the password is sent', async () => {
    const { hostKey } = server.server as SftpServer;
    const { id, ...first } = await sources.create(server.login());
    expect(first).toMatchObject({ hostKey, lastError: null });
    const other = await CustomerServer.start('sftp');
    try {
      const passwords: string[] = [];
      (other.server as SftpServer).onPassword = (password) => passwords.push(password);
      await sql`update import_source set port = ${other.server.port} where id = ${id}`.execute(db());
      const offered = (other.server as SftpServer).hostKey;
      expect(await sources.look(id)).toMatchObject({
        hostKey,
        offeredHostKey: offered,
        lastError: 'source-host-key-changed',
      });
      expect(passwords).toEqual([]);
      expect(await update(id, { hostKey: offered })).toMatchObject({ hostKey: offered, offeredHostKey: null });
      expect(await sources.look(id)).toMatchObject({ lastError: null, offeredHostKey: null });
      expect(passwords).toEqual([PASSWORD]);
    } finally {
      await other.stop();
    }
  });

  it('can be given in advance, for sftp only', async () => {
    const wrong = `SHA256:${'A'.repeat(43)}`;
    const refused = await sources.create(server.login({ hostKey: wrong }));
    expect(refused).toMatchObject({ hostKey: wrong, lastError: 'source-host-key-changed' });
    await expect(create(server.login({ kind: 'ftp', hostKey: wrong }))).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('private addresses', () => {
  let strict: TestService;
  beforeAll(async () => {
    strict = await startContacts();
  });
  afterAll(() => strict.stop());

  it.each(['127.0.0.1', 'localhost', '10.0.0.1', '169.254.169.254', '::1', 'fd00::1'])(
    '%s is refused unless the operator allows it',
    async (host) => {
      const manager = await strict.person({ roles: ['admin'] });
      const body = server.login({ host });
      await expect(strict.call(manager, importSources.create, { body })).rejects.toMatchObject({
        details: { errors: [{ field: 'host' }] },
      });
    },
  );

  it('are not connected to if a host name resolves to one', async () => {
    const manager = await strict.person({ roles: ['admin'] });
    const source = await new Sources(strict, manager).create(server.login({ host: '0x7f.1' }));
    expect(source).toMatchObject({ lastError: 'source-address-refused', hostKey: null });
  });
});

describe('the password', () => {
  it('is in no table, log line or answer', async () => {
    const lines: string[] = [];
    const logTo = new PassThrough();
    logTo.on('data', (line: Buffer) => lines.push(line.toString()));
    const replica = await startService({
      name: 'contacts',
      module: ContactsModule,
      config: ContactsConfig,
      clock: service.clock,
      logTo,
      env: {
        CONTACTS_SECRET,
        IMPORT_SOURCES_ALLOW_PRIVATE: 'true',
        DATABASE_URL: service.database.url,
        NATS_URL: service.broker.url,
        ...serviceKeys('contacts'),
        LOG_LEVEL: 'trace',
      },
    });
    // Only the replica whose log is read may poll.
    const schedule = service.get(SourceSchedule);
    const { claim } = schedule;
    schedule.claim = () => Promise.resolve([]);
    try {
      const { id, ...answer } = await sources.create(server.login({ password: `${PASSWORD}, but wrong` }));
      expect(answer.lastError).toBe('source-login-refused');
      await server.put('contacts.csv', 'Id\n1\n');
      await update(id, { password: PASSWORD });
      expect(await sources.later(id)).toMatchObject({ lastError: null });
      const logs = () => lines.join('');
      expect(logs()).toContain(id);
      const { rows: tables } = await sql<{ name: string }>`
        select quote_ident(table_name) as name from information_schema.tables
        where table_schema = current_schema() and table_type = 'BASE TABLE'`.execute(db());
      expect(tables.length).toBeGreaterThan(10);
      const contents: string[] = [JSON.stringify(answer), logs()];
      for (const { name } of tables) {
        const { rows } = await sql<{ all: string }>`
          select coalesce(string_agg(t::text, ' '), '') as all from ${sql.raw(name)} t`.execute(db());
        contents.push(rows[0]!.all);
      }
      expect(contents.filter((text) => text.includes(PASSWORD))).toEqual([]);
    } finally {
      schedule.claim = claim;
      await replica.close();
    }
  });
});
