import pg from 'pg';
import { ACCOUNT_SETTING, callsRoleOf } from './scoped-connections.js';

const OWNER = /^(.+)_owner$/;
/** Policies of the two roles of a service. A policy with another name comes from a migration: see `rowsWhere`. */
const POLICIES = { service: 'service', calls: 'calls' };
/** Key of the advisory lock. Any number that nothing else in the database uses. */
const LOCK = '7710162562058289153';

/**
 * The account of the running call, or null. Inline and not in a function or a subquery: planning a statement is then 15 µs
 * faster for each of its tables. PostgreSQL compares it once per statement with the account of a condition or an index.
 */
export const ACCOUNT_OF_CALL = `nullif(current_setting('${ACCOUNT_SETTING}', true), '')::uuid`;

/**
 * For a migration: calls see the rows of this table that match the condition, which uses `ACCOUNT_OF_CALL`. Only for a table
 * for which `secureRows` finds no condition: it has no `account_id` and no reference to a table that has one.
 */
export const rowsWhere = (table: string, condition: string): string =>
  `create policy own on ${table} using (${condition}) with check (${condition})`;

/** For a migration: calls of every account see all rows of this table, and change none. */
export const sharedRows = (table: string): string => `create policy own on ${table} for select using (true)`;

/**
 * Gives every table its policies, with the owner's role. The service's own role sees all rows, the role of its calls those of
 * the account that the call is for. Tables that are secured already are not locked.
 *
 * A row belongs to an account by its column `account_id`, or by the row that it refers to, or by its user. A table with none
 * of these shows calls nothing, unless a migration has given it a condition.
 * @throws Error if the role of calls does not exist
 */
export async function secureRows(client: pg.Client): Promise<void> {
  const roles = await rolesOf(client);
  for (const view of await named(client, OPEN_VIEWS))
    await client.query(`alter view ${id(view)} set (security_invoker = true)`);
  const tables = new Map((await rowsOf<Table>(client, TABLES)).map((table) => [table.name, table]));
  for (const table of tables.values()) {
    const statements = statementsFor(table, conditionOf(table, tables), roles);
    // One query is one transaction: the table is never without its policies.
    if (statements.length > 0) await client.query([`set local lock_timeout = '5s'`, ...statements].join(';\n'));
  }
}

/** Runs work that only one process may do at a time in this database, on a connection with the owner's role. */
export async function exclusively(ownerUrl: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, keepAlive: true, statement_timeout: 0 });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await work(client);
  } finally {
    await client.end();
  }
}

interface Roles {
  service: string;
  calls: string;
}

async function rolesOf(client: pg.Client): Promise<Roles> {
  const [owner] = await named(
    client,
    `select pg_get_userbyid(nspowner)::text as name from pg_namespace where nspname = 'public'`,
  );
  const service = OWNER.exec(owner!)?.[1];
  if (!service) throw new Error(`the schema belongs to ${owner}: run the job \`databases\` of this version first`);
  const roles = { service, calls: callsRoleOf(service) };
  const found = await named(
    client,
    `select rolname as name from pg_roles where rolname in (${Object.values(roles).map(pg.escapeLiteral).join()})`,
  );
  for (const role of Object.values(roles))
    if (!found.includes(role))
      throw new Error(`the database role ${role} is missing: run the job \`databases\` of this version first`);
  return roles;
}

interface Table {
  name: string;
  secured: boolean;
  hasAccount: boolean;
  /** Whether its column `user_id` always names a user. */
  hasUser: boolean;
  /** The references that every row has. */
  parents: { table: string; column: string; key: string }[];
  /** The condition of each policy, as it was given, by name. */
  policies: Record<string, string | null>;
}

/** The condition for rows of the account; undefined if calls see none of the table, or a migration has set the condition. */
function conditionOf(table: Table, tables: ReadonlyMap<string, Table>): string | undefined {
  if (table.hasAccount) return `account_id = ${ACCOUNT_OF_CALL}`;
  if ('own' in table.policies) return undefined;
  const parent = table.parents.find((one) => one.table !== table.name && isVisible(tables.get(one.table), tables));
  if (parent) return visible(table, parent.column, { table: parent.table, key: parent.key });
  if (table.hasUser) return visible(table, 'user_id', { table: 'directory', key: 'user_id' });
  return undefined;
}

const isVisible = (table: Table | undefined, tables: ReadonlyMap<string, Table>): boolean =>
  table !== undefined && ('own' in table.policies || conditionOf(table, tables) !== undefined);

/** The row that the column refers to is visible by the policy of its own table. */
const visible = ({ name }: Table, column: string, to: { table: string; key: string }): string =>
  `exists (select from ${id(to.table)} parent where parent.${id(to.key)} = ${id(name)}.${id(column)})`;

function statementsFor(table: Table, condition: string | undefined, { service, calls }: Roles): string[] {
  const wanted = [
    { name: POLICIES.service, role: service, condition: 'true' },
    ...(condition === undefined ? [] : [{ name: POLICIES.calls, role: calls, condition }]),
  ];
  const stale = Object.keys(table.policies).filter(
    (name) => name === POLICIES.calls && !wanted.some((policy) => policy.name === name),
  );
  const changed = wanted.filter((policy) => table.policies[policy.name] !== policy.condition);
  const drop = (name: string) => `drop policy if exists ${name} on ${id(table.name)}`;
  const create = (policy: (typeof wanted)[number]) => [
    drop(policy.name),
    `create policy ${policy.name} on ${id(table.name)} to ${id(policy.role)} using (${policy.condition}) with check (${policy.condition})`,
    // PostgreSQL shows a condition differently from how it was given.
    `comment on policy ${policy.name} on ${id(table.name)} is ${pg.escapeLiteral(policy.condition)}`,
  ];
  return [
    ...stale.map(drop),
    ...changed.flatMap(create),
    ...(table.secured ? [] : [`alter table ${id(table.name)} enable row level security`]),
  ];
}

const OURS = `relnamespace = 'public'::regnamespace`;
const OPEN_VIEWS = `
  select relname as name from pg_class
  where relkind = 'v' and ${OURS} and not coalesce('security_invoker=true' = any(reloptions), false)`;
const TABLES = `
  select c.relname as name, c.relrowsecurity as secured,
    exists (select from pg_attribute a
      where a.attrelid = c.oid and a.attname = 'account_id' and a.atttypid = 'uuid'::regtype) as "hasAccount",
    exists (select from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = c.oid and a.attname = 'user_id' and a.attnotnull and t.typname = 'user_ref') as "hasUser",
    coalesce((select jsonb_agg(jsonb_build_object('table', p.relname, 'column', a.attname, 'key', k.attname) order by o.conname)
      from pg_constraint o join pg_class p on p.oid = o.confrelid
        join pg_attribute a on a.attrelid = o.conrelid and a.attnum = o.conkey[1]
        join pg_attribute k on k.attrelid = o.confrelid and k.attnum = o.confkey[1]
      where o.conrelid = c.oid and o.contype = 'f' and cardinality(o.conkey) = 1 and a.attnotnull), '[]') as parents,
    coalesce((select jsonb_object_agg(polname, obj_description(oid, 'pg_policy')) from pg_policy where polrelid = c.oid), '{}') as policies
  from pg_class c where c.relkind in ('r', 'p') and ${OURS} order by c.relname`;

const rowsOf = async <T extends object>(client: pg.Client, text: string): Promise<T[]> =>
  (await client.query<T>(text)).rows;
const named = async (client: pg.Client, text: string): Promise<string[]> =>
  (await rowsOf<{ name: string }>(client, text)).map(({ name }) => name);
const id = pg.escapeIdentifier;
