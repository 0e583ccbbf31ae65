import pg from 'pg';

export interface Schema {
  tables: { name: string; columns: string[]; primaryKey: string[] }[];
  /** Statements to run before the rows are copied. */
  before: string[];
  /** Statements to run afterwards. */
  after: string[];
}

const id = pg.escapeIdentifier;

/** @throws Error when the database has an object that the statements would not reproduce */
export async function schemaOf(client: pg.Client): Promise<Schema> {
  const query = async <T extends object>(sql: string): Promise<T[]> => (await client.query<T>(sql)).rows;
  // Names in this schema are then written without it.
  await client.query('set search_path = public');
  const unknown = await query<{ what: string }>(UNKNOWN);
  if (unknown.length > 0) throw new Error(`this can't be dumped: ${unknown.map(({ what }) => what).join(', ')}`);
  const columns = await query<Column>(COLUMNS);
  const keys = new Map((await query<PrimaryKey>(PRIMARY_KEYS)).map((one) => [one.table, one.columns]));
  const byTable = Map.groupBy(columns, (column) => column.table);
  const options = new Map((await query<Options>(OPTIONS)).map((one) => [one.table, one.options]));
  const statement = ({ sql }: { sql: string }) => `${sql};`;
  return {
    tables: [...byTable].map(([name, ofTable]) => ({
      name,
      columns: ofTable.filter(({ generated }) => generated === '').map((column) => column.name),
      primaryKey: keys.get(name) ?? [],
    })),
    before: [
      ...(await query<{ sql: string }>(DOMAINS)).map(statement),
      ...(await query<{ sql: string }>(FUNCTIONS)).map(statement),
      ...(await query<{ sql: string }>(SERIALS)).map(statement),
      ...[...byTable].map(([name, ofTable]) => createTable(name, ofTable, options.get(name))),
      ...columns
        .filter(({ storage }) => storage !== null)
        .map(({ table, name, storage }) => `alter table ${id(table)} alter column ${id(name)} set storage ${storage};`),
    ],
    after: [
      ...(await query<{ sql: string }>(OWNED_SERIALS)).map(statement),
      ...(await query<{ sql: string }>(CONSTRAINTS)).map(statement),
      ...(await query<{ sql: string }>(INDEXES)).map(statement),
      ...(await query<{ sql: string }>(VIEWS)).map(({ sql }) => sql),
      ...(await query<{ sql: string }>(POLICIES)).map(statement),
      ...(await query<{ sql: string }>(SECURED)).map(statement),
      // They would refuse to load the rows.
      ...(await query<{ sql: string }>(TRIGGERS)).map(statement),
      ...(await query<{ sql: string }>(GRANTS)).map(statement),
      ...(await sequences(client)),
    ],
  };
}

interface Column {
  table: string;
  name: string;
  type: string;
  /** Of the default, or of what the column is generated from. */
  expression: string | null;
  identity: '' | 'a' | 'd';
  generated: '' | 's' | 'v';
  /** Of the sequence behind an identity column. */
  sequence: string | null;
  notNull: string | null;
  storage: string | null;
}

interface PrimaryKey {
  table: string;
  columns: string[];
}

interface Options {
  table: string;
  options: string;
}

function createTable(name: string, columns: readonly Column[], options?: string): string {
  const lines = columns.map((column) => `  ${columnDefinition(column)}`);
  return `create table ${id(name)} (\n${lines.join(',\n')}\n)${options ? ` with (${options})` : ''};`;
}

function columnDefinition({ table, name, type, expression, identity, generated, sequence, notNull }: Column): string {
  const parts = [id(name), type];
  if (identity !== '')
    parts.push(`generated ${identity === 'a' ? 'always' : 'by default'} as identity (sequence name ${id(sequence!)})`);
  else if (generated !== '')
    parts.push(`generated always as (${expression}) ${generated === 's' ? 'stored' : 'virtual'}`);
  else if (expression !== null) parts.push(`default ${expression}`);
  if (notNull === `${table}_${name}_not_null`) parts.push('not null');
  else if (notNull !== null) parts.push(`constraint ${id(notNull)} not null`);
  return parts.join(' ');
}

/** Sets each sequence to its last value. */
async function sequences(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace order by 1`,
  );
  const statements: string[] = [];
  for (const { name } of rows) {
    const state = await client.query<{ last_value: string; is_called: boolean }>(
      `select last_value, is_called from ${id(name)}`,
    );
    const { last_value: last, is_called: called } = state.rows[0]!;
    statements.push(`select setval(${pg.escapeLiteral(id(name))}, ${last}, ${called});`);
  }
  return statements;
}

const OURS = `'public'::regnamespace`;

const DOMAINS = `
  select format('create domain %I as %s', typname, format_type(typbasetype, typtypmod)) as sql
  from pg_type where typtype = 'd' and typnamespace = ${OURS} order by typname`;

/** Functions in PL/pgSQL, whose tables are looked up when they run, and in SQL, which do not depend on tables. */
const FUNCTIONS = `
  select pg_get_functiondef(oid) as sql from pg_proc where pronamespace = ${OURS} order by proname`;

/** Sequences of column defaults. Those of identity columns are made with their columns. */
const SERIALS = `
  select format('create sequence %I as %s', relname, format_type(seqtypid, null)) as sql
  from pg_class join pg_sequence on seqrelid = pg_class.oid
  where relnamespace = ${OURS} and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'i')
  order by relname`;

const OWNED_SERIALS = `
  select format('alter sequence %I owned by %I.%I', s.relname, c.relname, a.attname) as sql
  from pg_depend p
    join pg_class s on s.oid = p.objid and s.relkind = 'S'
    join pg_class c on c.oid = p.refobjid
    join pg_attribute a on a.attrelid = c.oid and a.attnum = p.refobjsubid
  where p.classid = 'pg_class'::regclass and p.deptype = 'a' and s.relnamespace = ${OURS}
  order by s.relname`;

const COLUMNS = `
  select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
    pg_get_expr(d.adbin, d.adrelid) as expression, a.attidentity as identity, a.attgenerated as generated,
    s.relname as sequence, n.conname as "notNull",
    case when a.attstorage <> t.typstorage
      then case a.attstorage when 'e' then 'external' when 'm' then 'main' when 'x' then 'extended' else 'plain' end
    end as storage
  from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    left join pg_depend p on p.classid = 'pg_class'::regclass and p.refclassid = 'pg_class'::regclass
      and p.refobjid = c.oid and p.refobjsubid = a.attnum and p.deptype = 'i'
    left join pg_class s on s.oid = p.objid and s.relkind = 'S'
    left join pg_constraint n on n.conrelid = c.oid and n.contype = 'n' and n.conkey = array[a.attnum]
  where c.relkind = 'r' and c.relnamespace = ${OURS}
  order by c.relname, a.attnum`;

const PRIMARY_KEYS = `
  select c.relname as table, array(
    select a.attname::text from unnest(i.indkey) with ordinality k (attnum, n)
    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum order by k.n) as columns
  from pg_index i join pg_class c on c.oid = i.indrelid
  where i.indisprimary and c.relnamespace = ${OURS}`;

const OPTIONS = `
  select relname as table, array_to_string(reloptions, ', ') as options
  from pg_class where relkind = 'r' and relnamespace = ${OURS} and reloptions is not null`;

/** Foreign keys come last, because they need the unique constraints that they refer to. */
const CONSTRAINTS = `
  select format('alter table %I add constraint %I %s', c.relname, o.conname, pg_get_constraintdef(o.oid)) as sql
  from pg_constraint o join pg_class c on c.oid = o.conrelid
  where c.relnamespace = ${OURS} and o.contype in ('p', 'u', 'x', 'c', 'f')
  order by o.contype = 'f', c.relname, o.conname`;

const INDEXES = `
  select pg_get_indexdef(i.indexrelid) as sql
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where c.relnamespace = ${OURS} and not exists (select from pg_constraint where conindid = i.indexrelid and contype <> 'f')
  order by c.relname`;

const VIEWS = `
  select format(E'create view %I%s as\\n%s', relname, ' with (' || array_to_string(reloptions, ', ') || ')', pg_get_viewdef(oid)) as sql
  from pg_class where relkind = 'v' and relnamespace = ${OURS} order by relname`;

const TRIGGERS = `
  select pg_get_triggerdef(t.oid) as sql from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where not tgisinternal and c.relnamespace = ${OURS} order by c.relname, t.tgname`;

/** With the comments by which a migration recognises them. */
const POLICIES = `
  select format('create policy %I on %I for %s to %s%s%s', polname, relname,
    case polcmd when 'r' then 'select' else 'all' end,
    case polroles when '{0}' then 'public' else (select string_agg(quote_ident(pg_get_userbyid(r)), ', ') from unnest(polroles) r) end,
    ' using (' || pg_get_expr(polqual, polrelid) || ')', ' with check (' || pg_get_expr(polwithcheck, polrelid) || ')') as sql
  from pg_policy join pg_class c on c.oid = polrelid where c.relnamespace = ${OURS}
  union all
  select format('comment on policy %I on %I is %L', polname, relname, obj_description(p.oid, 'pg_policy'))
  from pg_policy p join pg_class c on c.oid = polrelid
  where c.relnamespace = ${OURS} and obj_description(p.oid, 'pg_policy') is not null
  order by sql desc`;

const SECURED = `
  select format('alter table %I enable row level security', relname) as sql
  from pg_class where relrowsecurity and relnamespace = ${OURS} order by relname`;

/** A restore grants the rights on the tables of the database; the function then restricts them. */
const GRANTS = `select 'select restrict_grants()' as sql where to_regprocedure('restrict_grants()') is not null`;

/** Everything that would be missing after a restore, or different. */
const UNKNOWN = `
  select 'schema ' || nspname as what from pg_namespace where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')
  union all select 'extension ' || extname from pg_extension where extname <> 'plpgsql'
  union all select 'relation ' || relname from pg_class where relnamespace = ${OURS} and relkind not in ('r', 'i', 'S', 'v')
  union all select 'settings of relation ' || relname from pg_class
    where relnamespace = ${OURS} and (relpersistence <> 'p' or relforcerowsecurity or relispartition or relhassubclass
      or (relkind = 'r' and relreplident <> 'd') or (relkind = 'v' and reloptions <> '{security_invoker=true}'))
  union all select 'settings of constraint ' || conname from pg_constraint
    join pg_class on pg_class.oid = conindid
    where connamespace = ${OURS} and contype <> 'f' and reloptions is not null
  union all select 'constraint ' || conname from pg_constraint
    where connamespace = ${OURS} and (contype not in ('p', 'u', 'x', 'c', 'f', 'n') or not convalidated or contypid <> 0
      or (contype = 'n' and connoinherit))
  union all select 'sequence ' || relname from pg_sequence join pg_class on oid = seqrelid
    where seqstart <> 1 or seqincrement <> 1 or seqmin <> 1 or seqcache <> 1 or seqcycle
  union all select 'type ' || typname from pg_type where typnamespace = ${OURS} and typtype not in ('b', 'c', 'd')
  union all select 'domain ' || typname from pg_type
    where typnamespace = ${OURS} and typtype = 'd' and (typnotnull or typdefault is not null)
  union all select 'function ' || proname from pg_proc join pg_language l on l.oid = prolang
    where pronamespace = ${OURS} and (prokind <> 'f' or lanname not in ('sql', 'plpgsql'))
  union all select 'trigger ' || tgname from pg_trigger where not tgisinternal and tgenabled <> 'O'
  union all select 'rule ' || rulename from pg_rewrite
    join pg_class on pg_class.oid = ev_class where relnamespace = ${OURS} and rulename <> '_RETURN'
  union all select 'policy ' || polname from pg_policy where not polpermissive or polcmd not in ('r', '*')
  union all select 'statistics ' || stxname from pg_statistic_ext
  union all select 'comment on ' || objoid::regclass from pg_description
    where classoid = 'pg_class'::regclass and objoid in (select oid from pg_class where relnamespace = ${OURS})
  union all select 'settings of column ' || relname || '.' || attname from pg_attribute
    join pg_class on pg_class.oid = attrelid join pg_type on pg_type.oid = atttypid
    where relnamespace = ${OURS} and relkind = 'r' and attnum > 0 and not attisdropped
      and (attcompression <> '' or attoptions is not null or attstattarget is not null or attcollation <> typcollation
        or (attacl is not null and to_regprocedure('restrict_grants()') is null))
  order by 1`;
