import { sql } from 'kysely';
import type { ExportPage, ExportPart, ExportPosition } from '#libs/contracts';
import { exportPage } from '#libs/lifecycle';
import type { Person } from '#libs/lifecycle/testing';
import { AtTheDesk } from './at-the-desk.js';

const at = AtTheDesk.open();
const db = () => at.bench.em().getKysely();
const page = (person: Person, after: ExportPosition | null = null) =>
  exportPage(db(), at.bench.rules, { ...person, after });
const partIn = ({ parts }: ExportPage, table: string) => parts.find((part) => part.table === table);
const rowsIn = ({ lines }: Pick<ExportPart, 'lines'>) =>
  lines
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** All pages, as one list of parts. */
async function everything(person: Person): Promise<ExportPart[]> {
  const parts: ExportPart[] = [];
  for (let after: ExportPosition | null = null; ;) {
    const { parts: found, next }: ExportPage = await page(person, after);
    parts.push(...found);
    if (next === null) return parts;
    after = next;
  }
}

const drawer = (n: number, { owner, helper, note = 'Mine' }: { owner?: Person; helper?: Person; note?: string }) =>
  sql`insert into drawer (account_id, room, n, owner, helper, note, access_token, seal, opened_at) values (
    ${(owner ?? helper)!.accountId}, 'north', ${n}, ${owner?.userId ?? null}, ${helper?.userId ?? null}, ${note},
    'hunter2', '\\x68756e74657232', now())`.execute(db());

describe('the export of a person', () => {
  beforeEach(async () => void (await sql`delete from drawer`.execute(db())));

  it('has the rows of every table with a column that names them, and the rules of these rows', async () => {
    await at.things('chair', at.robin, 2);
    await at.things('chair', await at.bench.person(), 1);
    await drawer(1, { owner: at.robin });
    const answer = await page(at.robin);
    expect(answer.next).toBeNull();
    expect(rowsIn(partIn(answer, 'thing')!)).toMatchObject([
      { owner: at.robin.userId, kind: 'chair', label: null },
      { owner: at.robin.userId },
    ]);
    expect(partIn(answer, 'thing')).toMatchObject({ rows: 2, cut: 0 });
    expect(partIn(answer, 'thing')!.labels).toContain('Chairs');
    expect(partIn(answer, 'drawer')).toMatchObject({ rows: 1, labels: [] });
    expect(rowsIn(partIn(answer, 'directory')!)).toMatchObject([{ user_id: at.robin.userId }]);
    expect(partIn(answer, 'skip')).toMatchObject({ rows: 0, lines: '' });
    expect(answer.omitted).toHaveProperty('outbox');
  });

  it('never has a secret', async () => {
    await drawer(1, { owner: at.robin });
    const part = partIn(await page(at.robin), 'drawer')!;
    expect(part.withheld).toEqual(['access_token', 'seal']);
    expect(part.lines).not.toContain('hunter2');
    expect(Object.keys(rowsIn(part)[0]!)).not.toContain('access_token');
  });

  it('leaves out what is personal of somebody else whose row names the person', async () => {
    const other = await at.bench.person({ accountId: at.robin.accountId });
    await drawer(1, { owner: at.robin, helper: other });
    await drawer(2, { owner: other, helper: at.robin, note: 'Private' });
    const rows = rowsIn(partIn(await page(at.robin), 'drawer')!);
    expect(rows.map(({ n, note }) => [n, note])).toEqual([
      [1, 'Mine'],
      [2, undefined],
    ]);
    await sql`update directory set caretaker_id = ${at.robin.userId} where user_id = ${other.userId}`.execute(db());
    expect(partIn(await page(at.robin), 'directory')).toMatchObject({ rows: 1 });
  });

  it('has no rows of another account', async () => {
    await drawer(1, { owner: at.robin });
    await sql`update drawer set account_id = gen_random_uuid() where owner = ${at.robin.userId}`.execute(db());
    expect(partIn(await page(at.robin), 'drawer')).toMatchObject({ rows: 0 });
  });

  it('has each row once over all pages, and pages of a bounded size', async () => {
    const note = 'x'.repeat(2_000);
    await sql`insert into drawer (account_id, room, n, owner, note)
      select ${at.robin.accountId}, 'room ' || n % 7, n, ${at.robin.userId}, ${note} from generate_series(1, 1200) n`.execute(
      db(),
    );
    await at.things('chair', at.robin, 3);
    const parts = await everything(at.robin);
    for (const { lines } of parts) expect(lines.length).toBeLessThan(300_000);
    const numbers = parts.filter(({ table }) => table === 'drawer').flatMap((part) => rowsIn(part).map(({ n }) => n));
    expect(numbers).toHaveLength(1_200);
    expect(new Set(numbers).size).toBe(1_200);
    expect(parts.filter(({ table }) => table === 'thing').map(({ rows }) => rows)).toEqual([3]);
    // Tables before and after the one that fills several pages are listed once.
    expect(parts.filter(({ table }) => table === 'directory')).toHaveLength(1);
  });

  it('cuts a text that no message could carry, and counts the row', async () => {
    await drawer(1, { owner: at.robin, note: 'y'.repeat(2_000_000) });
    const part = partIn(await page(at.robin), 'drawer')!;
    expect(part).toMatchObject({ rows: 1, cut: 1 });
    expect(part.lines.length).toBeLessThan(30_000);
    expect(part.lines).toContain('yyy…');
  });

  it('ends a page when it is full, also between tables', async () => {
    await drawer(1, { owner: at.robin, note: 'z'.repeat(190_000) });
    await drawer(2, { owner: at.robin, note: 'z'.repeat(190_000) });
    await at.things('chair', at.robin, 1);
    const first = await page(at.robin);
    expect(partIn(first, 'drawer')).toMatchObject({ rows: 1, cut: 0 });
    const parts = await everything(at.robin);
    expect(parts.filter(({ table, rows }) => table === 'drawer' && rows > 0)).toHaveLength(2);
    expect(parts.filter(({ table }) => table === 'thing').map(({ rows }) => rows)).toEqual([1]);
  });

  it('has the keys of a row always in the same order', async () => {
    await drawer(1, { owner: at.robin });
    const [first, second] = [await page(at.robin), await page(at.robin)];
    expect(first).toEqual(second);
  });
});
