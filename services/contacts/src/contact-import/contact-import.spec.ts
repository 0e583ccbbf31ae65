import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { contactImportsGet, contactImportsList, contacts, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { contactOf, importFile, type UploadOptions } from '../testing/importing.js';
import { startContacts } from '../testing/contacts.js';
import { ImportWorker } from './import.worker.js';

let service: TestService;
let admin: Principal;
let mike: Principal;
beforeAll(async () => {
  service = await startContacts();
});
afterAll(() => service.stop());
beforeEach(async () => {
  admin = await service.person({ roles: ['admin'] });
  mike = await service.person({ accountId: admin.accountId, name: 'Mike Counselor', staffId: 'Mike Counselor' });
});

const run = (file: string | Buffer, options?: UploadOptions) => importFile(service, admin, file, options);
const contact = (externalId: string) => contactOf(service, admin, externalId);
const assigneeOf = async (externalId: string) => (await contact(externalId)).assignee?.id ?? null;

describe('the assignment', () => {
  it('goes to the user whose staff id is in the StaffId column', async () => {
    const done = await run('ContactId,Name,StaffId\n1,Ada,Mike Counselor\n2,Olu,  Mike Counselor \n');
    expect(done).toMatchObject({ status: 'completed', created: 2, updated: 0, assigned: 2, cleared: 0, unmatched: [] });
    expect(await contact('2')).toMatchObject({ name: 'Olu', assignee: { id: mike.userId, name: 'Mike Counselor' } });
  });

  it('is read from the column that the User Identification setting names, ignoring case', async () => {
    const file = 'Id,StaffId,Counselor\n1,,Mike Counselor\n';
    expect((await run(file, { userIdField: 'counselor' })).assigned).toBe(1);
    expect(await assigneeOf('1')).toBe(mike.userId);
    expect(await run('id,staff_id\n2,Mike Counselor\n')).toMatchObject({ assigned: 1 });
  });

  it('is cleared for every contact in the file, and no other, if the column is missing', async () => {
    await run('Id,StaffId\n1,Mike Counselor\n2,Mike Counselor\n3,\n');
    const done = await run('Id,Name\n1,Ada\n3,Eve\n');
    expect(done).toMatchObject({ created: 0, updated: 2, assigned: 0, cleared: 1 });
    expect([await assigneeOf('1'), await assigneeOf('2')]).toEqual([null, mike.userId]);
  });

  it('is cleared for a contact whose value is blank', async () => {
    await run('Id,StaffId\n1,Mike Counselor\n2,Mike Counselor\n');
    expect(await run('Id,StaffId\n1," "\n2,Mike Counselor\n')).toMatchObject({
      assigned: 1,
      cleared: 1,
      unmatched: [],
    });
    expect([await assigneeOf('1'), await assigneeOf('2')]).toEqual([null, mike.userId]);
  });

  it('ignores staff ids that are unknown, differ in case, or belong to former users or another account, and lists the rows', async () => {
    const { accountId } = admin;
    await service.person({ accountId, status: 'deactivated', staffId: 'S-gone' });
    await service.person({ staffId: 'S-elsewhere' });
    await run('Id,StaffId\n1,Mike Counselor\n');
    const done = await run('Id,StaffId\n1,S-gone\n2,S-elsewhere\n3,mike counselor\n4,Mike Counselor\n');
    expect(done).toMatchObject({ created: 3, updated: 1, assigned: 1, cleared: 1, unmatchedTotal: 3 });
    expect(done.unmatched).toEqual([
      { row: 1, value: 'S-gone' },
      { row: 2, value: 'S-elsewhere' },
      { row: 3, value: 'mike counselor' },
    ]);
    expect(await assigneeOf('1')).toBeNull();
  });

  it('goes to a new user whose first event has not arrived yet', async () => {
    const nora = { accountId: admin.accountId, userId: service.ids.next() };
    await service.identity.knows(nora, { staffId: 'S-nora' });
    expect(await run('Id,StaffId\n1,S-nora\n')).toMatchObject({ assigned: 1, unmatched: [] });
    expect(await assigneeOf('1')).toBe(nora.userId);
  });

  it('goes by the staff ids that users have now, not by those in the directory', async () => {
    const { accountId } = admin;
    const lee = await service.person({ accountId, name: 'Lee', staffId: 'S-lee' });
    await service.identity.knows(mike, { staffId: 'S-mike' });
    await service.identity.knows(lee, { staffId: 'Mike Counselor' });
    const done = await run('Id,StaffId\n1,S-mike\n2,Mike Counselor\n3,S-lee\n');
    expect(done).toMatchObject({ assigned: 2, unmatched: [{ row: 3, value: 'S-lee' }] });
    expect([await assigneeOf('1'), await assigneeOf('2')]).toEqual([mike.userId, lee.userId]);
  });

  it('goes to nobody who has left, even if the event has not arrived yet', async () => {
    await service.identity.knows(mike, { status: 'deactivated' });
    const done = await run('Id,StaffId\n1,Mike Counselor\n');
    expect(done).toMatchObject({ assigned: 0, unmatched: [{ row: 1, value: 'Mike Counselor' }] });
  });

  it('can go to an invited user', async () => {
    await service.person({ accountId: admin.accountId, status: 'invited', staffId: 'S-new' });
    expect(await run('Id,StaffId\n1,S-new\n')).toMatchObject({ assigned: 1, unmatched: [] });
  });
});

describe('a contact', () => {
  it('keeps values that the file has no column for, and clears values that are blank', async () => {
    await run('ExternalId,Name,Phone,Email\n1,Ada,+1 (415) 555-0100,ada@example.com\n');
    await run('ExternalId,Phone\n1,\n');
    expect(await contact('1')).toMatchObject({ name: 'Ada', phone: null, email: 'ada@example.com' });
  });

  it('can consist of an id only', async () => {
    expect(await run('id\n1\n2\n')).toMatchObject({ created: 2 });
    expect(await run('id\n2\n')).toMatchObject({ updated: 1 });
  });

  it.each(['"', '\\', '\\"', '{a,b}', "'", 'null', 'a,"b\nc', '$1', '✓ ü'])(
    'can have %j in its name and id',
    async (text) => {
      const cell = `"${text.replaceAll('"', '""')}"`;
      expect(await run(`Id,Name\n${cell},${cell}\nother,\n`)).toMatchObject({ created: 2 });
      expect(await contact(text)).toMatchObject({ externalId: text, name: text });
      expect(await contact('other')).toMatchObject({ name: null });
    },
  );

  it('that occurs several times in a file gets the values of its last row, and is counted once', async () => {
    await run('Id,StaffId\n1,Mike Counselor\n2,\n3,Mike Counselor\n');
    const file =
      'Id,Name,StaffId\n1,A,\n2,B,Mike Counselor\n3,C,\n4,D,Mike Counselor\n1,E,Mike Counselor\n2,F,\n3,G,\n4,H,\n';
    for (const batchRows of [100, 3, 1]) {
      const jobs = service.get(ImportWorker);
      const usual = jobs.batchRows;
      jobs.batchRows = batchRows;
      const done = await run(file).finally(() => (jobs.batchRows = usual));
      expect({ batchRows, ...done }).toMatchObject({ batchRows, created: 1, updated: 3, assigned: 1, cleared: 1 });
      expect([await contact('1'), await contact('4')].map(({ name }) => name)).toEqual(['E', 'H']);
      expect(await assigneeOf('1')).toBe(mike.userId);
      await service.call(admin, contacts.remove, { params: { id: (await contact('4')).id } });
      await run('Id,StaffId\n1,Mike Counselor\n2,\n3,Mike Counselor\n');
    }
  });
});

describe('a row', () => {
  it('that is invalid is listed with the reason, and the others are imported', async () => {
    const rows = [
      '1,Ada,,',
      ',Nobody,,',
      '3,Too,few',
      '4,Bad,0800,',
      '5,Bad,,@',
      '6,"b\u0000d",,',
      '7,Olu,+14155550100,o@example.com',
    ];
    const done = await run(`Id,Name,Phone,Email\n${rows.join('\n')}\n`);
    expect(done).toMatchObject({ status: 'completed', created: 2, rowsDone: 7, rejectedTotal: 5 });
    expect(done.rejected).toEqual([
      { row: 2, reason: 'The row has no contact id.' },
      { row: 3, reason: 'The row has 3 fields, the heading has 4.' },
      { row: 4, reason: expect.stringContaining('E.164') },
      { row: 5, reason: expect.stringContaining('email') },
      { row: 6, reason: expect.stringContaining('control') },
    ]);
  });

  it('counts characters as the rest of the API does, and loses the blanks around what it holds', async () => {
    const name = '😀'.repeat(200);
    const rows = [`1,${name}`, `2,${name}x`, '\t3 , "\u00a0Ada " ', ' \t '];
    const done = await run(`Id,Name\n${rows.join('\n')}\n`);
    expect(done).toMatchObject({ created: 2, rowsDone: 3, rejected: [{ row: 2 }] });
    expect([(await contact('1')).name, (await contact('3')).name]).toEqual([name, 'Ada']);
  });

  it('is always counted, but listed only among the first thousand of its kind', async () => {
    const rows = Array.from({ length: 1_500 }, (_, n) => (n % 2 ? `${n},nobody` : ',x')).concat(
      Array.from({ length: 1_500 }, (_, n) => `x${n},nobody`),
    );
    const jobs = service.get(ImportWorker);
    const usual = jobs.batchRows;
    jobs.batchRows = 700;
    const done = await run(`Id,StaffId\n${rows.join('\n')}`).finally(() => (jobs.batchRows = usual));
    expect(done).toMatchObject({ unmatchedTotal: 2_250, rejectedTotal: 750, created: 2_250, rowsDone: 3_000 });
    expect([done.unmatched.length, done.rejected.length]).toEqual([1_000, 750]);
    expect(done.unmatched.at(-1)!.row).toBe(1_750);
  });
});

describe('a file', () => {
  it('can have a byte order mark, any line ends, quotes, and characters split between pieces', async () => {
    const file = Buffer.from('\ufeffId,Name,StaffId\r\n1,"Ünal, ""Ü""\r\nJr.",Mike Counselor\r\n\r\n2,Łukasz,\r\n');
    expect(await run(file, { pieceBytes: 1 })).toMatchObject({ status: 'completed', created: 2, rowsDone: 2 });
    expect((await contact('1')).name).toBe('Ünal, "Ü"\r\nJr.');
    expect(await run('Id,Name\r1,Old Mac\r')).toMatchObject({ updated: 1 });
  });

  it.each([
    ['is empty', '', 'The file is empty.'],
    ['is only a byte order mark', '\ufeff', 'The file is empty.'],
    ['has no column of ids', 'Name,StaffId\nAda,\n', 'ExternalId'],
    ['has two columns of ids', 'Id,id\n1,2\n', 'Two columns'],
    ['has two columns of staff ids', 'Id,staffId,Staff Id\n1,a,b\n', '“staffId” (column 2) and “Staff Id” (column 3)'],
    ['uses another separator', 'Id;Name\n1;Ada\n', 'separated by commas'],
    ['is not UTF-8', Buffer.from('Id,Name\n1,M\u00fcller\n', 'latin1'), 'UTF-8'],
    ['ends in the middle of a character', Buffer.from('Id\n\u00fc').subarray(0, -1), 'UTF-8'],
    ['never closes a quotation mark', 'Id,Name\n1,"Ada\n2,Olu\n', 'never closed'],
    ['has text after a closing quotation mark', 'Id,Name\n1,"A"da\n', 'Line 2'],
    ['has a quotation mark within a field', 'Id,Name\n1,A"da\n', 'Line 2'],
    ['has a row that is too long', `Id,Name\n1,"${'x'.repeat(150_000)}`, 'too long'],
  ])('fails with the reason when it %s', async (_, file, reason) => {
    const done = await run(file);
    expect(done).toMatchObject({ status: 'failed', error: expect.stringContaining(reason), created: 0, rowsDone: 0 });
    expect((await service.call(admin, contacts.list)).items).toEqual([]);
  });

  it('that turns out to be invalid halfway keeps the batches imported so far, and reports the number of rows', async () => {
    const jobs = service.get(ImportWorker);
    const usual = jobs.batchRows;
    jobs.batchRows = 2;
    const rows = Array.from({ length: 100 }, (_, n) => n);
    const done = await run(`Id\n${rows.join('\n')}\n"x"y\n`, { pieceBytes: 20 }).finally(
      () => (jobs.batchRows = usual),
    );
    expect(done).toMatchObject({ status: 'failed', error: expect.stringContaining('Line 102') });
    expect(done.rowsDone).toBeGreaterThan(0);
    expect(done.created).toBe(done.rowsDone);
    expect(done.rowsDone! % 2).toBe(0);
  });

  it('with only a heading imports nothing', async () => {
    expect(await run('Id,StaffId')).toMatchObject({ status: 'completed', created: 0, rowsDone: 0 });
  });

  it('of 10,000 rows can be imported twice with exact counts', async () => {
    const file = (staff: (n: number) => string) =>
      `Id,Name,StaffId\n${Array.from({ length: 10_000 }, (_, n) => `${n},Contact ${n},${staff(n)}`).join('\n')}\n`;
    const first = await run(file((n) => (n % 2 ? 'Mike Counselor' : '')));
    expect(first).toMatchObject({ created: 10_000, updated: 0, assigned: 5_000, cleared: 0 });
    const second = await run(file((n) => (n % 4 ? '' : 'Mike Counselor')));
    expect(second).toMatchObject({ created: 0, updated: 10_000, assigned: 2_500, cleared: 5_000, rowsDone: 10_000 });
  });

  it('is deleted once it has been imported', async () => {
    const { id } = await run('Id\n1\n');
    const { rows } = await sql`select 1 from contact_import_chunk where import_id = ${id}`.execute(
      service.em().getKysely(),
    );
    expect(rows).toEqual([]);
  });
});

describe('the history', () => {
  it('shows the result of each import, only to its account', async () => {
    const first = await run('Id,StaffId\n1,x\n');
    const second = await run('');
    const { items } = await service.call(admin, contactImportsList);
    expect(items.map(({ id, status }) => [id, status])).toEqual([
      [second.id, 'failed'],
      [first.id, 'completed'],
    ]);
    expect(items[1]).not.toHaveProperty('unmatched');
    expect(await service.call(admin, contactImportsGet, { params: { id: first.id } })).toEqual(first);
    expect(first.importedBy).toMatchObject({ id: admin.userId, status: 'active' });
    const stranger = await service.person();
    await expect(service.call(stranger, contactImportsGet, { params: { id: first.id } })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect((await service.call(stranger, contactImportsList)).items).toEqual([]);
  });
});
