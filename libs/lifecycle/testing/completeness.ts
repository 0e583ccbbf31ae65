import pg from 'pg';
import { RuleBench, type ServiceUnderTest } from './bench.js';

/** Columns that are kept on purpose: `table.column` → why. */
export type Kept = Readonly<Record<string, string>>;

/** Columns of the engine itself: what they hold about a person goes by rules of the engine, tested with it. */
const OF_THE_ENGINE: Kept = {
  'directory.user_id': 'The directory says who is who; a deleted person stays as an id.',
  'directory.name': 'Emptied in the transaction that applies the deletion.',
  'directory.staff_id': 'Emptied in the transaction that applies the deletion.',
  'directory.caretaker_id': 'Set and ended by identity, whose profile of the person cared for says so.',
  'inbox.user_id': 'What has been applied to whom: the receipt.',
  'task.user_id': 'Gone when the work is done.',
  'task.successor': 'Gone when the work is done.',
  'undo.user_id': 'Gone with the next decision about the person, a deletion among them.',
  'undo.successor': 'An id, gone with the next decision about the person whose rows they were.',
  'scheduled_action.user_id': 'What is due for whom, and when it happened.',
  'outbox.user_id': 'Gone when every service has answered.',
};

/**
 * Reads the live schema: each column that points at a person or holds personal detail has a rule, or a reason. A column
 * somebody adds without thinking of leavers fails here.
 */
export function coversEveryPersonalColumn(service: ServiceUnderTest, kept: Kept): void {
  describe(`${service.name}: every column with a person in it`, () => {
    let bench: RuleBench;
    let columns: string[];
    beforeAll(async () => {
      bench = await RuleBench.open(service);
      columns = await personalColumns(bench.database.adminUrl);
    });
    afterAll(() => bench.close());

    it('has a rule or a reason', () => {
      const explained = new Set([...bench.rules.covered(), ...Object.keys(kept), ...Object.keys(OF_THE_ENGINE)]);
      const unexplained = columns.filter((column) => !explained.has(column));
      const advice = 'declare a rule for its rows, or give the reason why it stays in `kept`';
      expect(unexplained.map((column) => `${column}: ${advice}`)).toEqual([]);
    });

    it('is there: no reason outlives its column', () => {
      expect(Object.keys(kept).filter((column) => !columns.includes(column))).toEqual([]);
    });

    it('that names an owner can be found by index', async () => {
      const indexed = await leadingColumns(bench.database.adminUrl);
      const unindexed = [...bench.rules.covered()].filter((column) => !indexed.has(column));
      expect(unindexed.map((column) => `${column}: add an index that begins with it`)).toEqual([]);
    });
  });
}

async function personalColumns(url: string): Promise<string[]> {
  return names(
    url,
    `select table_name || '.' || column_name as name from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where table_schema = 'public' and t.table_type = 'BASE TABLE' and domain_name in ('user_ref', 'personal') order by 1`,
  );
}

/** `table.column` of the first column of every index. */
async function leadingColumns(url: string): Promise<Set<string>> {
  return new Set(
    await names(
      url,
      `select t.relname || '.' || a.attname as name from pg_index i join pg_class t on t.oid = i.indrelid
       join pg_namespace n on n.oid = t.relnamespace join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]
       where n.nspname = 'public'`,
    ),
  );
}

async function names(url: string, query: string): Promise<string[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<{ name: string }>(query)).rows.map((row) => row.name);
  } finally {
    await client.end();
  }
}
