import { sql } from 'kysely';
import type { Db } from '../declare/where.js';

/** Tables of the engine that name users and are no part of an export, with the reason. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  inbox: 'Which decision this service has applied. The decision is exported by identity.',
  task: 'Work of a departure that has not ended.',
  undo: 'Former values of rows, for a return of the user. The rows are exported as they are now.',
  remote_effect: 'Work of a departure that another service has not confirmed.',
  scheduled_action: 'Delayed work of a departure. Its receipt is exported by identity.',
  outbox: 'Events that are still to be published. What they say is exported by identity.',
};

/** A column of one of these names, or of type `bytea`, is a secret or encrypted: it is never exported. */
const SECRET = /(^|_)(secrets?|tokens?|hash|passwords?|sealed|digests?|grant|credentials?|key|keys|otp)(_|$)/;

/** A table with rows that name users. */
export interface ExportedTable {
  name: string;
  /** The columns of the primary key. */
  key: readonly { name: string; type: string }[];
  /** The columns by which a row is found. */
  finders: readonly string[];
  /** The user whom the personal columns are about. */
  subject: string;
  personal: readonly string[];
  withheld: readonly string[];
  hasAccount: boolean;
}

interface Column {
  table: string;
  name: string;
  type: string;
  base: string;
  /** The position in the primary key, or null. */
  place: number | null;
}

/**
 * Reads from the schema which tables have a column that names a user (`user_ref`), so that a new table is never forgotten.
 * @throws TypeError for such a table without a primary key
 */
export async function exportedTables(db: Db): Promise<ExportedTable[]> {
  const { rows } = await sql<Column>`
    select c.relname as table, a.attname as name, t.typname as type,
      coalesce(b.typname, t.typname) as base, array_position(i.indkey::int2[], a.attnum) as place
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_type b on b.oid = t.typbasetype
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname collate "C", a.attnum`.execute(db);
  return [...Map.groupBy(rows, ({ table }) => table)]
    .filter(([name, columns]) => !(name in NOT_EXPORTED) && columns.some(namesUser))
    .map(([name, columns]) => tableOf(name, columns));
}

const namesUser = ({ type }: Column): boolean => type === 'user_ref';

function tableOf(name: string, columns: readonly Column[]): ExportedTable {
  const key = columns.filter(({ place }) => place !== null).sort((one, other) => one.place! - other.place!);
  if (key.length === 0) throw new TypeError(`${name}: an export needs a primary key`);
  const users = columns.filter(namesUser).map((column) => column.name);
  // A row whose key is a user belongs to that user, even if it names others.
  const own = key.length === 1 && namesUser(key[0]!) ? key[0]!.name : undefined;
  return {
    name,
    key: key.map(({ name: column, base: type }) => ({ name: column, type })),
    finders: own === undefined ? users : [own],
    subject: own ?? ['subject_id', 'user_id'].find((column) => users.includes(column)) ?? users[0]!,
    personal: columns.filter(({ type }) => type === 'personal').map((column) => column.name),
    withheld: columns.filter(isSecret).map((column) => column.name),
    hasAccount: columns.some((column) => column.name === 'account_id'),
  };
}

const isSecret = ({ name, base }: Column): boolean => base === 'bytea' || SECRET.test(name);
