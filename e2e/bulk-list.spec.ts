import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCells, readRecords, Titles } from '#libs/csv';
import { readBulkList } from '../cli/departures/bulk-list.mjs';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leaver-list-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const listOf = async (file: string | Buffer) => {
  const path = join(folder, 'list.csv');
  await writeFile(path, file);
  return readBulkList(path);
};

/** As the server finds them; undefined for a row that it refuses. */
async function staffIdsOnTheServer(csv: string): Promise<(string | undefined)[]> {
  const found: string[][] = [];
  for await (const records of readRecords([Buffer.from(csv)])) found.push(...records);
  const [heading, ...rows] = found;
  const titles = new Titles(heading!);
  return rows.map((fields) => {
    const cells = readCells(fields, titles.width, [titles.find(['staffId'])]);
    return typeof cells === 'string' ? undefined : (cells[0] ?? '');
  });
}

/** The command line names each row of the result by the staff id in its own copy of the list. */
it.each([
  ['line ends of every kind', 'staffId\r\nA\r\nB\r\n'],
  ['line ends of an old Mac', 'staffId\rA\rB\r'],
  ['a byte order mark and another title', '\ufeff Staff-ID ,note\nA,x\n'],
  ['blanks, also within quotation marks', 'staffId\n" A "\n\t"B" \n\u00a0C\u3000\n'],
  ['empty lines', 'staffId\n\nA\n \t \n\nB\n'],
  ['quotation marks and line breaks in a field', 'note,staffId\n"a ""b""\n, c",A\n'],
])('the command line finds the same staff ids as the server in a list with %s', async (_, csv) => {
  const { staffIds } = await listOf(csv);
  expect(staffIds.length).toBeGreaterThan(0);
  expect(staffIds).toEqual(await staffIdsOnTheServer(csv));
});

it('the command line counts a row that is too short as the server does', async () => {
  expect((await listOf('successorStaffId,staffId\nS,A\nS\nS,C\n')).staffIds).toEqual(['A', undefined, 'C']);
});

it('the command line refuses a list that is not UTF-8', async () => {
  await expect(listOf(Buffer.from('staffId\nJürg\n', 'latin1'))).rejects.toThrow('is not text in UTF-8');
});
