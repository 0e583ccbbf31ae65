import type { ExportPage, ExportPart, ExportPosition, ExportRequest } from '#libs/contracts';
import { sql } from 'kysely';
import type { Db } from '../declare/where.js';
import type { RuleSet } from '../run/rule-set.js';
import { exportedTables, NOT_EXPORTED, type ExportedTable } from './exported-tables.js';

/** Bytes of rows in a page. As JSON in JSON they can be twice as many; the broker takes messages of 1 MB. */
const PAGE_BYTES = 256 * 1024;
const PAGE_ROWS = 500;
/** Bytes of a row. What is longer is cut. */
const LONGEST_ROW = 200_000;
/** Bytes that a character can take. */
const CHARACTER_BYTES = 4;

interface Line {
  line: string;
  bytes: number;
  key: string[];
  /** Rows that the statement has found, up to one more than a page has. */
  found: number;
}

/** A page of all rows that name a user, table by table in the order of their primary keys. */
export async function exportPage(db: Db, rules: RuleSet, request: ExportRequest): Promise<ExportPage> {
  const { after } = request;
  const tables = await exportedTables(db);
  const parts: ExportPart[] = [];
  let room = PAGE_BYTES;
  for (const table of tables.filter(({ name }) => after === null || name >= after.table)) {
    const position = after?.table === table.name ? after : null;
    const { part, last, isLast, bytes } = await partOf(db, table, { ...request, after: position }, room);
    room -= bytes;
    // An empty part says that the table has no such rows, so it is not repeated where a page went on.
    if (part.rows > 0 || position === null) parts.push({ ...part, labels: labelsOf(rules, table.name) });
    if (last && (!isLast || room <= 0)) return { parts, next: last, ...omittedBy(after) };
  }
  return { parts, next: null, ...omittedBy(after) };
}

const omittedBy = (after: ExportPosition | null): Pick<ExportPage, 'omitted'> =>
  after === null ? { omitted: { ...NOT_EXPORTED } } : {};

const labelsOf = (rules: RuleSet, table: string): string[] => [
  ...new Set(rules.parts.filter(({ statements }) => statements.tableName === table).map(({ rule }) => rule.label)),
];

/** At least one row, if there is one, and no more than there is room for. */
async function partOf(
  db: Db,
  table: ExportedTable,
  request: ExportRequest,
  room: number,
): Promise<{ part: Omit<ExportPart, 'labels'>; last?: ExportPosition; isLast: boolean; bytes: number }> {
  const rows = await linesOf(db, table, request, room);
  const cut = rows.filter(({ bytes }) => bytes > LONGEST_ROW);
  const lines = rows.map(({ line, bytes }) => (bytes > LONGEST_ROW ? shortened(line) : line));
  return {
    part: {
      table: table.name,
      rows: rows.length,
      lines: lines.map((line) => `${line}\n`).join(''),
      withheld: [...table.withheld],
      cut: cut.length,
    },
    ...(rows.length > 0 && { last: { table: table.name, key: rows.at(-1)!.key } }),
    isLast: rows.length === (rows[0]?.found ?? 0),
    bytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0),
  };
}

async function linesOf(
  db: Db,
  table: ExportedTable,
  { accountId, userId, after }: ExportRequest,
  room: number,
): Promise<Line[]> {
  const keys = table.key.map(({ name }) => sql`t.${sql.ref(name)}`);
  const found = sql.join(
    table.finders.map((column) => sql`t.${sql.ref(column)} = ${userId}::uuid`),
    sql` or `,
  );
  const later = after
    ? sql`and (${sql.join(keys)}) > (${sql.join(
        table.key.map(({ type }, n) => sql`cast(${after.key[n] ?? null}::text as ${sql.id(type)})`),
      )})`
    : sql``;
  const own = table.hasAccount ? sql`and t.account_id = ${accountId}::uuid` : sql``;
  const { rows } = await sql<Line>`
    with page as materialized (
      select row_number() over (order by ${sql.join(keys)}) as n, (${contentOf(table, userId)})::text as line,
        array[${sql.join(keys.map((key) => sql`${key}::text`))}] as key
      from ${sql.table(table.name)} t where (${found}) ${own} ${later}
      order by ${sql.join(keys)} limit ${PAGE_ROWS + 1}),
    sized as (select *, octet_length(line) as bytes, sum(octet_length(line)) over (order by n) as total,
      count(*) over ()::int as found from page)
    select line, bytes, key, found from sized where n <= ${PAGE_ROWS} and (n = 1 or total <= ${room}) order by n`.execute(
    db,
  );
  return rows;
}

/** The row without secrets, and without what is personal of somebody else. */
function contentOf({ personal, withheld, subject }: ExportedTable, userId: string) {
  const row = sql`to_jsonb(t) - ${[...withheld]}::text[]`;
  if (personal.length === 0) return row;
  return sql`case when t.${sql.ref(subject)} = ${userId}::uuid then ${row} else ${row} - ${[...personal]}::text[] end`;
}

/** The row with long values cut, so that all together fit. A long list or object becomes the beginning of its JSON. */
function shortened(line: string): string {
  const row = Object.entries(JSON.parse(line) as Record<string, unknown>);
  const longest = Math.floor(LONGEST_ROW / CHARACTER_BYTES / row.length);
  const values = row.map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return [name, text.length > longest ? `${text.slice(0, longest)}…` : value];
  });
  return JSON.stringify(Object.fromEntries(values));
}
