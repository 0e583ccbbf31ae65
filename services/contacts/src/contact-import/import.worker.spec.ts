import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { closeImport, contactImportsGet, contacts, Problem, type Principal } from '#libs/contracts';
import { Clock } from '#libs/database';
import { RuleBench } from '#libs/lifecycle/testing';
import { startService, type RunningService } from '#libs/platform';
import { type TestCalls, TestService } from '#libs/platform/testing';
import { serviceKeys, asAnotherProcess, eventually } from '#libs/test-kit';
import { RequestContext } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { Contact } from '../contact/contact.entity.js';
import { ContactsConfig } from '../contacts.config.js';
import { ContactsModule, entities, migrations } from '../contacts.module.js';
import { contactsRules } from '../departures/contacts.rules.js';
import { importerOn } from '../testing/importer.js';
import { importFile, upload } from '../testing/importing.js';
import { CONTACTS_SECRET, startContacts } from '../testing/contacts.js';
import { BatchWriter } from './batch-writer.js';
import { ContactImportController } from './contact-import.controller.js';
import { ImportWorker } from './import.worker.js';

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

describe('an import while identity does not answer', () => {
  it('waits as long as that takes, and needs identity only for staff ids', async () => {
    await service.person({ accountId: admin.accountId, staffId: 'S-1' });
    const { write } = BatchWriter.prototype;
    let attempts = 0;
    BatchWriter.prototype.write = function (...batch) {
      attempts += 1;
      return attempts > 8 ? write.apply(this, batch) : Promise.reject(new Problem('service-unavailable'));
    };
    try {
      const done = await importFile(service, admin, 'Id,StaffId\n1,S-1\n');
      expect(done).toMatchObject({ status: 'completed', assigned: 1 });
      expect(attempts).toBeGreaterThan(8);
    } finally {
      BatchWriter.prototype.write = write;
    }
    const { asked } = service.identity;
    await importFile(service, admin, 'Id,StaffId\n1,\n');
    expect(service.identity.asked).toBe(asked);
  });
});

describe('a long import', () => {
  let holding: { release: () => void };
  let write: BatchWriter['write'];
  beforeEach(() => {
    write = BatchWriter.prototype.write;
    service.get(ImportWorker).batchRows = 10;
  });
  afterEach(() => {
    BatchWriter.prototype.write = write;
    service.get(ImportWorker).batchRows = 5_000;
    service.get(ContactImportController).maxWaitMs = 60_000;
  });

  /** Blocks every batch from this row on until `holding.release()`. */
  function holdFrom(row: number): void {
    const held = new Promise<void>((resolve) => (holding = { release: resolve }));
    BatchWriter.prototype.write = async function (importId, batch, meanwhile) {
      if (batch.from >= row) await held;
      return write.call(this, importId, batch, meanwhile);
    };
  }

  it('gets an answer before it ends, shows its progress, and continues', async () => {
    holdFrom(30);
    service.get(ContactImportController).maxWaitMs = 1;
    const id = await upload(service, admin, rowsOf(100));
    expect(await ask.ask(closeImport, { importId: id })).toMatchObject({ id, status: 'running' });
    await eventually(async () =>
      expect(await read(id)).toMatchObject({ status: 'running', rowsDone: 30, created: 30 }),
    );
    holding.release();
    await eventually(async () => expect(await read(id)).toMatchObject({ status: 'completed', created: 100 }));
    expect(await pieces(id)).toBe(0);
  });

  it('is taken over by another replica when its lease expires, and each row is imported once', async () => {
    holdFrom(30);
    service.get(ContactImportController).maxWaitMs = 1;
    const id = await upload(service, admin, rowsOf(100));
    await ask.ask(closeImport, { importId: id });
    await eventually(async () => expect((await read(id)).rowsDone).toBe(30));
    BatchWriter.prototype.write = write;
    const other = await replica();
    try {
      await sql`update contact_import set lease_until = ${service.clock.now()} where id = ${id}`.execute(db());
      await eventually(async () =>
        expect(await read(id)).toMatchObject({ status: 'completed', created: 100, updated: 0 }),
      );
      // The first replica continues with the batch that it had read.
      holding.release();
      await service.get(ImportWorker).work(id);
      expect(await read(id)).toMatchObject({ status: 'completed', created: 100, updated: 0, rowsDone: 100 });
    } finally {
      await other.close();
    }
  });

  it('imports each row once even if the next batch is requested before the current one is written', async () => {
    BatchWriter.prototype.write = async function (importId, batch, meanwhile) {
      meanwhile?.();
      return write.call(this, importId, batch, meanwhile);
    };
    const done = await importFile(service, admin, rowsOf(100));
    expect(done).toMatchObject({ status: 'completed', created: 100, updated: 0, rowsDone: 100 });
  });

  it('can contain an existing contact after only new ones', async () => {
    await importFile(service, admin, 'Id\n55\n');
    const done = await importFile(service, admin, rowsOf(100));
    expect(done).toMatchObject({ status: 'completed', created: 99, updated: 1, rowsDone: 100 });
  });

  it('prepares exactly one batch ahead while the database writes the current one', async () => {
    await importFile(service, admin, 'Id\n0\n');
    const { prepare } = BatchWriter.prototype;
    const prepared: number[] = [];
    BatchWriter.prototype.prepare = function (batch) {
      prepared.push(batch.from);
      return prepare.call(this, batch);
    };
    service.get(ContactImportController).maxWaitMs = 1;
    try {
      const id = await upload(service, admin, rowsOf(100));
      await service.em().transactional(async (em) => {
        await sql`select 1 from contact where account_id = ${admin.accountId} for update`.execute(em.getKysely());
        await asAnotherProcess(() => ask.ask(closeImport, { importId: id }));
        await eventually(() => expect(prepared).toEqual([0, 10]));
      });
      await eventually(async () => expect(await read(id)).toMatchObject({ status: 'completed', created: 99 }));
      expect(prepared).toEqual(Array.from({ length: 10 }, (_, n) => n * 10));
    } finally {
      BatchWriter.prototype.prepare = prepare;
    }
  });

  it('fails after five attempts without progress', async () => {
    BatchWriter.prototype.write = () => Promise.reject(new Error('an internal error'));
    const id = await upload(service, admin, rowsOf(10));
    const answer = ask.ask(closeImport, { importId: id });
    await eventually(async () => {
      await sql`update contact_import set lease_until = ${service.clock.now()} where id = ${id} and status = 'running'`.execute(
        db(),
      );
      expect(await read(id)).toMatchObject({ status: 'failed', error: expect.stringContaining('on our side') });
    });
    expect(await answer).toMatchObject({ status: 'failed' });
  });

  const replica = (): Promise<RunningService> =>
    startService({
      name: 'contacts',
      module: ContactsModule,
      config: ContactsConfig,
      env: {
        CONTACTS_SECRET,
        DATABASE_URL: service.database.url,
        NATS_URL: service.broker.url,
        LOG_LEVEL: 'silent',
        ...serviceKeys('contacts'),
      },
      clock: service.get(Clock),
    });
});

describe('concurrent imports', () => {
  it('of the same contacts in opposite order both complete', async () => {
    service.get(ImportWorker).batchRows = 500;
    const numbers = Array.from({ length: 4_000 }, (_, n) => n);
    const files = [numbers, numbers.toReversed()].map(
      (its) => `Id,Name\n${its.map((n) => `${n},Contact`).join('\n')}\n`,
    );
    const done = await Promise.all([...files, ...files].map((file) => importFile(service, admin, file)));
    service.get(ImportWorker).batchRows = 5_000;
    expect(done.map(({ status }) => status)).toEqual(Array(4).fill('completed'));
    expect(done.reduce((sum, { created }) => sum + created, 0)).toBe(4_000);
    expect(done.reduce((sum, { updated }) => sum + updated, 0)).toBe(12_000);
  });

  it('are queued when there are many, and each is answered when it is done', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => upload(service, admin, rowsOf(50))));
    const answers = await Promise.all(ids.map((importId) => ask.ask(closeImport, { importId })));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 'completed'));
    expect((await service.call(admin, contacts.list, { query: { limit: 200 } })).items).toHaveLength(50);
  });
});

describe('a replica that is shut down', () => {
  it('finishes its current batch, and another replica continues with the rest immediately', async () => {
    const bench = await RuleBench.open({ name: 'contacts', entities, rules: contactsRules, migrations });
    try {
      const { em, uploads, jobs, reports } = importerOn(bench);
      const [leaving, staying] = [jobs(), jobs()];
      leaving.batchRows = 10;
      const { accountId, userId } = await bench.person();
      await RequestContext.create(em, async () => {
        const id = await uploads.open({ accountId, userId, userIdField: null });
        await uploads.append(id, 0, Buffer.from(rowsOf(1_000)));
        await uploads.close(id);
        const worked = leaving.work(id);
        await eventually(async () => (await reports.one({ id })).rowsDone! > 0, { interval: 1 });
        await leaving.beforeApplicationShutdown();
        await worked;
        const stopped = await reports.one({ id });
        expect(stopped.status).toBe('running');
        expect(stopped.created).toBe(stopped.rowsDone);
        await staying.work(id);
        expect(await reports.one({ id })).toMatchObject({ status: 'completed', created: 1_000, updated: 0 });
      });
    } finally {
      await bench.close();
    }
  });
});

describe('a departure during an import', () => {
  it('leaves no contact assigned to the leaver, and the rest of the file is listed as unmatched', async () => {
    const bench = await RuleBench.open({ name: 'contacts', entities, rules: contactsRules, migrations });
    try {
      const { em, uploads, jobs, reports } = importerOn(bench);
      const worker = jobs();
      worker.batchRows = 50;
      const leaver = await bench.person();
      const { accountId, userId } = await bench.person({ accountId: leaver.accountId });
      const rows = Array.from({ length: 2_000 }, (_, n) => `${n},S-${leaver.userId.slice(-8)}`);
      await RequestContext.create(em, async () => {
        const id = await uploads.open({ accountId, userId, userIdField: null });
        await uploads.append(id, 0, Buffer.from(`Id,StaffId\n${rows.join('\n')}\n`));
        await uploads.close(id);
        const worked = worker.work(id);
        await eventually(async () => (await reports.one({ id })).rowsDone! > 0, { interval: 1 });
        const policy = { 'contacts.assignments': { deleted: { action: 'unassign' as const } } };
        await bench.processor.apply([bench.leaving(leaver, 'deleted', policy)]);
        await worked;
        const { status, assigned, unmatchedTotal } = await reports.one({ id });
        expect(status).toBe('completed');
        expect(assigned + unmatchedTotal!).toBe(2_000);
        expect(Math.min(assigned, unmatchedTotal!)).toBeGreaterThan(0);
        expect(await bench.em().count(Contact, { assignee: leaver.userId })).toBe(0);
      });
    } finally {
      await bench.close();
    }
  });
});
