import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { contacts, importSources, previewOf, type Principal, type ResolvedRules } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { OWNER_HAS_LEFT, UPLOADER_HAS_LEFT } from '../contact-import/owner-has-left.js';
import { BatchWriter } from '../contact-import/batch-writer.js';
import { ImportWorker } from '../contact-import/import.worker.js';
import { startContacts } from '../testing/contacts.js';
import { importFile } from '../testing/importing.js';
import { CustomerServer, Sources } from '../testing/importing-from.js';
import { leaves, returns } from '../testing/leaving.js';
import { ImportSourceWorker } from './import-source.worker.js';

const DISABLED: ResolvedRules = { 'contacts.import-sources': { deactivated: { action: 'disable' } } };

let service: TestService;
let admin: Principal;
let leaver: Principal;
let sources: Sources;
let server: CustomerServer;
beforeAll(async () => {
  service = await startContacts({ IMPORT_SOURCES_ALLOW_PRIVATE: 'true' });
  service.get(ImportWorker).batchRows = 1;
});
afterAll(() => service.stop());
beforeEach(async () => {
  admin = await service.person({ roles: ['admin'] });
  leaver = await service.person({ accountId: admin.accountId, roles: ['admin'] });
  sources = new Sources(service, leaver);
  server = await CustomerServer.start('sftp');
});
afterEach(async () => {
  await sql`delete from import_source`.execute(service.em().getKysely());
  await server.stop();
});

const update = (id: string, body: object) => service.call(admin, importSources.update, { params: { id }, body });
const externalIds = async () =>
  (await service.call(admin, contacts.list)).items.map(({ externalId }) => externalId).sort();

/** Applies the departure after the first of the file's three batches has been written. */
async function leavesDuringImport(rules?: ResolvedRules): Promise<string> {
  await server.put('contacts.csv', 'Id\n1\n2\n3\n');
  const { id } = await sources.create(server.login());
  leavesAfterFirstBatch(rules);
  service.clock.advance(31_000);
  service.get(ImportSourceWorker).wake();
  await eventually(async () => {
    const [latest] = await sources.imports(id);
    expect(['completed', 'failed']).toContain(latest?.status);
  });
  return id;
}

describe('an import source whose owner leaves', () => {
  it('is imported for the first admin from then on', async () => {
    const { id, ownerId } = await sources.create(server.login());
    expect(ownerId).toBe(leaver.userId);
    await leaves(service, leaver, 'deactivated');
    await server.put('contacts.csv', 'Id\n1\n');
    expect(await sources.take(id)).toMatchObject({
      active: true,
      ownerId: admin.userId,
      owner: { id: admin.userId, status: 'active' },
      lastResult: { imported: 1 },
    });
  });

  it('is not polled any more if the policy disables it, until it has another owner', async () => {
    const { id } = await sources.create(server.login());
    await leaves(service, leaver, 'deactivated', DISABLED);
    await server.put('contacts.csv', 'Id\n1\n');
    service.clock.advance(3_600_000);
    await service.get(ImportSourceWorker).drain();
    expect(await server.files()).toEqual(['contacts.csv']);
    await expect(update(id, { active: true })).rejects.toMatchObject({ code: 'inactive-user' });
    await expect(update(id, { ownerId: leaver.userId })).rejects.toMatchObject({ code: 'inactive-user' });
    await update(id, { active: true, ownerId: admin.userId });
    service.clock.advance(31_000);
    await eventually(async () => {
      service.get(ImportSourceWorker).wake();
      service.clock.advance(31_000);
      expect(await server.files('processed')).toEqual(['contacts.csv']);
    });
  });

  it('can be activated again when the owner returns', async () => {
    const { id } = await sources.create(server.login());
    await leaves(service, leaver, 'deactivated', DISABLED);
    expect((await sources.get(id)).active).toBe(false);
    await returns(service, leaver);
    expect((await sources.get(id)).active).toBe(false);
    await update(id, { active: true });
    expect((await sources.get(id)).active).toBe(true);
  });

  it('is not polled while a departure has not reached it', async () => {
    await sources.create(server.login());
    await server.put('contacts.csv', 'Id\n1\n');
    await leaves(service, leaver, 'deactivated', { 'contacts.import-sources': {} });
    service.clock.advance(3_600_000);
    await service.get(ImportSourceWorker).drain();
    expect(await server.files()).toEqual(['contacts.csv']);
  });
});

/** Applies the departure after the first batch of the next import has been written. */
function leavesAfterFirstBatch(rules?: ResolvedRules): void {
  const { write } = BatchWriter.prototype;
  BatchWriter.prototype.write = async function (...given) {
    await write.apply(this, given);
    BatchWriter.prototype.write = write;
    await leaves(service, leaver, 'deactivated', rules);
  };
}

it('an uploaded file is not imported any further when the user who uploaded it has left', async () => {
  leavesAfterFirstBatch();
  const report = await importFile(service, leaver, 'Id\n1\n2\n3\n');
  expect(report).toMatchObject({ status: 'failed', created: 1, error: UPLOADER_HAS_LEFT });
  expect(await externalIds()).toEqual(['1']);
});

describe('an import during which the owner of its source leaves', () => {
  it('goes on for the new owner', async () => {
    const id = await leavesDuringImport();
    expect(await sources.imports(id)).toMatchObject([{ status: 'completed', created: 3 }]);
    await eventually(async () => expect(await server.files('processed')).toEqual(['contacts.csv']));
  });

  it('writes nothing any more if the source is disabled, and leaves the file for a later owner', async () => {
    const id = await leavesDuringImport(DISABLED);
    expect(await sources.imports(id)).toMatchObject([{ status: 'failed', created: 1, error: OWNER_HAS_LEFT }]);
    expect(await externalIds()).toEqual(['1']);
    expect([await server.files(), await server.files('failed')]).toEqual([['contacts.csv'], []]);
    await update(id, { active: true, ownerId: admin.userId });
    await eventually(async () => {
      service.clock.advance(31_000);
      service.get(ImportSourceWorker).wake();
      expect(await server.files('processed')).toEqual(['contacts.csv']);
    });
    expect(await externalIds()).toEqual(['1', '2', '3']);
  });
});

it('the preview names the folders and whose passwords open them', async () => {
  await sources.create(server.login({ path: 'out' }));
  const preview = (action: 'transfer' | 'disable') =>
    service.client.ask(previewOf('contacts'), {
      ...{
        accountId: leaver.accountId,
        userId: leaver.userId,
        steps: ['deactivated'],
        activeSince: 1,
        wasManager: true,
      },
      rules: { 'contacts.import-sources': { deactivated: { action } } },
    });
  expect(await preview('transfer')).toMatchObject([
    {
      ...{ rule: 'contacts.import-sources', count: 1, warning: true },
      detail: expect.stringMatching(/new owner.*“out” on sftp:\/\/127.0.0.1.*“campus”.*change them/s),
    },
  ]);
  expect(await preview('disable')).toMatchObject([{ count: 1, detail: expect.stringContaining('no longer') }]);
});
