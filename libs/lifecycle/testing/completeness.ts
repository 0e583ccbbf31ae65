import pg from 'pg';
import { exportedTables, NOT_EXPORTED, type Effect, type Part } from '#libs/lifecycle';
import { RuleBench, type ServiceUnderTest } from './bench.js';

/** The reason for each column that is kept on purpose, by `table.column`. */
export type Kept = Readonly<Record<string, string>>;

/** Columns of the engine's own tables. The engine erases them itself, and its own tests check that. */
const OF_THE_ENGINE: Kept = {
  'directory.user_id': 'The directory lists all users; a deleted one stays as an id.',
  'directory.name': 'Cleared in the transaction that applies the deletion.',
  'directory.staff_id': 'Cleared in the transaction that applies the deletion.',
  'directory.caretaker_id': 'Identity sets and clears it in the profile of the user whose inbox is managed.',
  'inbox.user_id': 'Part of the receipt: which event was applied to which user.',
  'task.user_id': 'Deleted when the task is finished.',
  'task.successor': 'Deleted when the task is finished.',
  'undo.user_id': 'Deleted with the next decision about the user, for example a deletion.',
  'undo.successor': 'An id, deleted with the next decision about the former owner of the rows.',
  'remote_effect.user_id': 'Deleted when the other service has confirmed its work, or with the next decision.',
  'remote_effect.successor': 'An id, deleted when the other service has confirmed its work.',
  'scheduled_action.user_id': 'Shows which delayed effect is or was due for which user.',
  'outbox.user_id': 'Deleted when every service has answered.',
};

/**
 * Checks the live schema: each column that names a user or holds personal data is covered by a rule or has a reason in
 * `kept`. A new column without either fails the test.
 */
export function coversEveryPersonalColumn(service: ServiceUnderTest, kept: Kept): void {
  describe(`${service.name}: every column with personal data`, () => {
    let bench: RuleBench;
    let columns: string[];
    beforeAll(async () => {
      bench = await RuleBench.open(service);
      columns = await personalColumns(bench.database.adminUrl);
    });
    afterAll(() => bench.close());

    it('has a rule or a reason', () => {
      const covered = new Set([...bench.rules.covered(), ...Object.keys(kept), ...Object.keys(OF_THE_ENGINE)]);
      const uncovered = columns.filter((column) => !covered.has(column));
      const advice = 'declare a rule for its rows, or add the reason for keeping it to `kept`';
      expect(uncovered.map((column) => `${column}: ${advice}`)).toEqual([]);
    });

    it('is in the export of a person', async () => {
      const exported = new Set((await exportedTables(bench.em().getKysely())).map(({ name }) => name));
      const tables = columns.map((column) => column.split('.')[0]!);
      const missing = tables.filter((table) => !exported.has(table) && !(table in NOT_EXPORTED));
      const advice = 'add a column of type `user_ref` that names the person, or no export has these rows';
      expect([...new Set(missing)].map((table) => `${table}: ${advice}`)).toEqual([]);
    });

    it('exists if it has a reason', () => {
      expect(Object.keys(kept).filter((column) => !columns.includes(column))).toEqual([]);
    });

    it('belongs to rows that people recognize by a label, if a rule counts them', () => {
      const unlabelled = bench.rules.parts.filter(({ rows }) => !rows.shown);
      const advice = 'say with `shown: shownAs(…)` how its rows are shown, and to whom';
      const names = unlabelled.map(({ rule, rows }) => [rule.id, rows.part].filter(Boolean).join(' '));
      expect(names.map((name) => `${name}: ${advice}`)).toEqual([]);
    });

    it('belongs to rows that no earlier rule deletes by a foreign key', async () => {
      const references = await cascades(bench.database.adminUrl);
      expect(deletedByEarlierRules(bench.rules.parts, references)).toEqual([]);
    });

    it('has an index if a rule covers it', async () => {
      const indexed = await leadingColumns(bench.database.adminUrl);
      const unindexed = [...bench.rules.covered()].filter((column) => !indexed.has(column));
      expect(unindexed.map((column) => `${column}: add an index that begins with it`)).toEqual([]);
    });
  });
}

/** Tables whose rows are deleted with rows of another table, by that other table. */
type Cascades = ReadonlyMap<string, readonly string[]>;

/**
 * Rules that change rows which a rule before them can delete by a cascade: their receipt would count fewer rows than the
 * preview. Rules that only count are no problem: rows are counted before any are changed.
 */
export function deletedByEarlierRules(parts: readonly Part[], references: Cascades): string[] {
  const problems: string[] = [];
  for (const [index, parent] of parts.entries()) {
    if (!effectsOf(parent).some(({ kind }) => kind === 'delete')) continue;
    const tables = reachable(parent.statements.tableName, references);
    for (const child of parts.slice(index + 1)) {
      if (!tables.has(child.statements.tableName) || effectsOf(child).every(({ kind }) => kind === 'none')) continue;
      problems.push(`${parent.rule.id} deletes rows of ${child.rule.id} by a cascade: list ${child.rule.id} before it`);
    }
  }
  return problems;
}

const effectsOf = ({ rule }: Part): Effect[] =>
  Object.values(rule.choices).flatMap(({ actions }) =>
    actions.flatMap((action) => [action.effect, ...(action.later ? [action.later.effect] : [])]),
  );

function reachable(table: string, references: Cascades, found = new Set<string>()): Set<string> {
  for (const child of references.get(table) ?? []) {
    if (found.has(child)) continue;
    found.add(child);
    reachable(child, references, found);
  }
  return found;
}

async function cascades(url: string): Promise<Cascades> {
  const pairs = await names(
    url,
    `select confrelid::regclass || ' ' || conrelid::regclass as name from pg_constraint where contype = 'f' and confdeltype = 'c'`,
  );
  const byParent = Map.groupBy(pairs, (pair) => pair.split(' ')[0]!);
  return new Map([...byParent].map(([parent, all]) => [parent, all.map((pair) => pair.split(' ')[1]!)]));
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
