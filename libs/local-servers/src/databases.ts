import pg from 'pg';

export interface RolePasswords {
  owner: string;
  runtime: string;
}

export interface ServiceDatabase {
  /** For migrations, with the role that owns the tables. */
  ownerUrl: string;
  /** For the running service, with a role that reads and writes rows but cannot change tables. */
  url: string;
}

/**
 * Creates or updates a service's database `leaver_<name>`, its owner role `<name>_owner` and its runtime role `<name>`
 * with these passwords, and the role of its calls, `<name>_calls`. Other roles except superusers have no access. Can be
 * repeated at any time.
 */
export async function createServiceDatabase(
  adminUrl: string,
  name: string,
  { passwords }: { passwords: RolePasswords },
): Promise<ServiceDatabase> {
  await createServiceRoles(adminUrl, name, passwords);
  return createDatabase(adminUrl, name, { database: `leaver_${name}`, passwords });
}

export async function createServiceRoles(adminUrl: string, name: string, passwords: RolePasswords): Promise<void> {
  await withClient(adminUrl, async (client) => {
    await createRole(client, ownerOf(name), `login password ${client.escapeLiteral(passwords.owner)}`);
    await createRole(client, name, `login password ${client.escapeLiteral(passwords.runtime)}`);
    await createRole(client, callsOf(name), 'nologin');
    await client.query(assumingCalls(name));
  });
}

function ownerOf(name: string): string {
  return `${name}_owner`;
}

/** The role in which the service answers calls. The policies of the tables show it only rows of the caller's account. */
export function callsOf(name: string): string {
  return `${name}_calls`;
}

/** The runtime role does not have the rights of calls, it changes into their role. */
export function assumingCalls(name: string): string {
  return `grant ${id(callsOf(name))} to ${id(name)} with inherit false, set true`;
}

async function createRole(client: pg.Client, role: string, attributes: string): Promise<void> {
  const found = await client.query('select from pg_roles where rolname = $1', [role]);
  const verb = found.rowCount ? 'alter' : 'create';
  await client.query(`${verb} role ${id(role)} ${attributes}`);
}

interface NewDatabase {
  database: string;
  passwords: RolePasswords;
}

/** Creates a service's database; its roles must exist. */
export async function createDatabase(
  adminUrl: string,
  name: string,
  { database, passwords }: NewDatabase,
): Promise<ServiceDatabase> {
  const owner = id(ownerOf(name));
  await withClient(adminUrl, async (client) => {
    const found = await client.query('select from pg_database where datname = $1', [database]);
    // A non-superuser may give a database only to a role that it is a member of.
    await client.query(`grant ${owner} to current_user`);
    if (!found.rowCount) await client.query(`create database ${id(database)} owner ${owner} template template0`);
    await restrictEntry(client, name, database);
  });
  const urls = databaseUrls(adminUrl, name, { database, passwords });
  await withClient(urls.ownerUrl, (client) => client.query(schemaGrants(name)));
  return urls;
}

/** Allows only the service's own roles to connect. A copy of a database does not inherit these grants. */
export async function restrictEntry(client: pg.Client, name: string, database: string): Promise<void> {
  await client.query(`revoke all on database ${id(database)} from public`);
  await client.query(`grant connect, temporary on database ${id(database)} to ${id(ownerOf(name))}, ${id(name)}`);
}

/** A service's migrations can create a function `restrict_grants()` that takes some of these rights away again. */
function schemaGrants(name: string): string {
  const owner = id(ownerOf(name));
  const runtime = [name, callsOf(name)].map(id).join(', ');
  return `
    alter schema public owner to ${owner};
    revoke all on schema public from public;
    grant usage on schema public to ${runtime};
    grant select, insert, update, delete on all tables in schema public to ${runtime};
    grant usage on all sequences in schema public to ${runtime};
    alter default privileges in schema public grant select, insert, update, delete on tables to ${runtime};
    alter default privileges in schema public grant usage on sequences to ${runtime};
    do $$ begin
      if to_regprocedure('public.restrict_grants()') is not null then perform public.restrict_grants(); end if;
    end $$;`;
}

export function databaseUrls(adminUrl: string, name: string, { database, passwords }: NewDatabase): ServiceDatabase {
  return {
    ownerUrl: urlFor(adminUrl, { user: ownerOf(name), password: passwords.owner, database }),
    url: urlFor(adminUrl, { user: name, password: passwords.runtime, database }),
  };
}

function urlFor(
  adminUrl: string,
  { user, password, database }: { user: string; password: string; database: string },
): string {
  const url = new URL(adminUrl);
  url.username = user;
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
}

/** Runs `work` with a new connection and closes it. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function id(name: string): string {
  return pg.escapeIdentifier(name);
}
