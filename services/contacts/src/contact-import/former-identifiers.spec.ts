import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { contactImportsGet, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { startContacts } from '../testing/contacts.js';
import { importFile } from '../testing/importing.js';
import { leaves } from '../testing/leaving.js';

let service: TestService;
let admin: Principal;
beforeAll(async () => {
  service = await startContacts();
});
afterAll(() => service.stop());
beforeEach(async () => {
  admin = await service.person({ roles: ['admin'] });
});

const run = (file: string) => importFile(service, admin, file);

describe('the report of an import', () => {
  it('stores no staff id of a deleted user in the list of unmatched rows', async () => {
    const gone = await service.person({ accountId: admin.accountId, status: 'deactivated', staffId: 'S-gone' });
    const { id } = await run('Id,StaffId\n1,S-gone\n');
    const db = service.em().getKysely();
    await sql`update directory set status = 'deleted', name = null, staff_id = null where user_id = ${gone.userId}`.execute(
      db,
    );
    const later = await service.call(admin, contactImportsGet, { params: { id } });
    expect(later.unmatched).toEqual([{ row: 1, value: 'Deleted user' }]);
    const { rows } = await sql`select value from contact_import_unmatched where import_id = ${id}`.execute(db);
    expect(rows).toEqual([{ value: null }]);
  });

  it('removes the staff id of a deleted user who was created after the import, only in their account', async () => {
    const elsewhere = await service.person({ roles: ['admin'] });
    const file = 'Id,StaffId\n1,S-later\n2,S-never\n';
    const [{ id }, other] = [await run(file), await importFile(service, elsewhere, file)];
    const later = await service.person({ accountId: admin.accountId, staffId: 'S-later' });
    const unmatched = async (by: Principal, importId: string) =>
      (await service.call(by, contactImportsGet, { params: { id: importId } })).unmatched.map(({ value }) => value);
    expect(await unmatched(admin, id)).toEqual(['S-later', 'S-never']);
    await leaves(service, later, 'deleted');
    expect(await unmatched(admin, id)).toEqual(['Deleted user', 'S-never']);
    expect(await unmatched(elsewhere, other.id)).toEqual(['S-later', 'S-never']);
  });

  it('removes what a deleted user was called before, in any letter case, from all reports of their account', async () => {
    const elsewhere = await service.person({ roles: ['admin'] });
    const values = ['S-before', 'Νικος@Before.example', 'i\u0307pek before', 'S-never'];
    const file = ['Id,StaffId', ...values.map((value, n) => `${n + 1},${value}`)].join('\n');
    const ids = [(await run(file)).id, (await run(file)).id];
    const other = await importFile(service, elsewhere, file);
    const leaver = await service.person({ accountId: admin.accountId });
    service.identity.remembers(leaver, ['S-before', 'ΝΙΚΟΣ@before.example', 'İPEK Before']);
    await leaves(service, leaver, 'deleted');
    for (const id of ids) {
      const { unmatched } = await service.call(admin, contactImportsGet, { params: { id } });
      expect(unmatched.map(({ value }) => value)).toEqual([...values.slice(0, 3).map(() => 'Deleted user'), 'S-never']);
    }
    const { unmatched } = await service.call(elsewhere, contactImportsGet, { params: { id: other.id } });
    expect(unmatched).toHaveLength(4);
    expect(unmatched[0]).toEqual({ row: 1, value: 'S-before' });
  });
});
