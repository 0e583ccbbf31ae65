import { EntityManager } from '@mikro-orm/postgresql';
import { sql, type RawBuilder } from 'kysely';
import { asCall, callsRoleOf, scopeOfAccount } from '#libs/database';
import { withClient } from '#libs/local-servers';
import { PARTS } from '../support/foundation.js';
import { System } from '../support/system.js';
import { FilledAccount } from './filled-account.js';
import { Routes } from './routes.js';

/** Tables of which a call of any account sees all rows, with the reason. */
const SHARED: Record<string, string> = {
  service_rules: 'The catalogue of rules is the same for all accounts.',
  retired_service: 'All accounts have the same services.',
  signing_key: 'All accounts have the same keys. The private ones are encrypted.',
  mail_budget: 'All accounts together may mail a mailbox only so often. It is known by a keyed digest.',
  used_passkey_challenge: 'Digests of random challenges, which belong to nobody until somebody signs them.',
};
/** Tables of which a call for an account sees nothing, with the reason. Background work and calls across accounts use them. */
const HIDDEN: Record<string, string> = {
  migration: 'The applied migrations. Only their own step reads them.',
  audit_window: 'Occurrences are counted in the background.',
  user_stream: 'The state of the broker, which is looked after in the background.',
  dead_letter: 'Messages that could not be decoded, so that their account is not known. Only the operator reads them.',
};

interface Table {
  name: string;
  hasAccount: boolean;
  secured: boolean;
  policies: Record<string, string>;
  grants: string[];
}

const TABLES = `
  select c.relname as name, c.relrowsecurity as secured,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'account_id') as "hasAccount",
    coalesce((select jsonb_object_agg(p.polname, pg_get_expr(p.polqual, p.polrelid)) from pg_policy p
      where p.polrelid = c.oid and p.polpermissive and (p.polcmd = 'r' or p.polcmd = '*'
        and pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid))), '{}') as policies,
    array(select pg_get_userbyid(a.grantee)::text from aclexplode(c.relacl) a where a.privilege_type = 'SELECT' order by 1) as grants
  from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1`;

let system: System;
let ours: FilledAccount;
let theirs: FilledAccount;
beforeAll(async () => {
  system = await System.start();
  const routes = await Routes.of(system.url);
  [ours, theirs] = await Promise.all([FilledAccount.open(system, routes, 0), FilledAccount.open(system, routes, 1)]);
}, 120_000);
afterAll(() => system?.stop());

const tablesOf = (name: string): Promise<Table[]> =>
  withClient(system.databaseUrl(name), async (client) => (await client.query<Table>(TABLES)).rows);

const isShared = ({ policies }: Table) => policies.own === 'true';
const isHidden = ({ policies }: Table) => !('calls' in policies) && !('own' in policies);

it('a table is shared by all accounts or hidden from calls only for a reason', async () => {
  const tables = (await Promise.all(PARTS.map(({ name }) => tablesOf(name)))).flat();
  const names = (which: (table: Table) => boolean) => [...new Set(tables.filter(which).map(({ name }) => name))].sort();
  expect(names(isShared)).toEqual(Object.keys(SHARED).sort());
  expect(names(isHidden)).toEqual(Object.keys(HIDDEN).sort());
});

describe.each(PARTS.map(({ name }) => name))('in %s', (name) => {
  /** Runs work as a call for the account does, in a transaction that is rolled back. */
  async function inCallOf(accountId: string, work: (run: Run) => Promise<void>): Promise<void> {
    const em = system.services.get(name)!.app.get(EntityManager, { strict: false });
    const undone = new Error('rolled back');
    const transaction = () =>
      em.fork().transactional(async (tx) => {
        await work(async (statement) => (await statement.execute(tx.getKysely())) as Result);
        throw undone;
      });
    await asCall(scopeOfAccount(accountId), transaction).catch((error: unknown) => {
      if (error !== undone) throw error;
    });
  }
  const asSuperuser = (text: string, values: unknown[] = []) =>
    withClient(
      system.databaseUrl(name),
      async (client) => (await client.query<Record<string, string>>(text, values)).rows,
    );
  const [we, they] = [() => ours.people.account.id, () => theirs.people.account.id];

  it('every table has the policies of both roles and grants them the same', async () => {
    for (const table of await tablesOf(name)) {
      expect([table.name, table.secured, table.policies.service]).toEqual([table.name, true, 'true']);
      if (table.hasAccount) expect([table.name, table.policies.calls]).toEqual([table.name, OF_ACCOUNT]);
      expect(table.grants).toEqual([name, callsRoleOf(name), `${name}_owner`].sort());
    }
  });

  it('a call that forgets the condition sees each row of its account and no other', async () => {
    const accounts = await allAccounts(system);
    for (const table of await tablesOf(name)) {
      const rows = (await asSuperuser(`select t::text as row from "${table.name}" t`)).map(({ row }) => row!);
      const seen: string[] = [];
      for (const account of accounts)
        await inCallOf(account, async (run) => {
          const result = await run(sql`select t::text as row from ${sql.table(table.name)} t`);
          seen.push(...result.rows.map(({ row }) => row!));
        });
      const expected = isShared(table) ? accounts.flatMap(() => rows) : isHidden(table) ? [] : rows;
      expect([table.name, seen.sort()]).toEqual([table.name, expected.sort()]);
    }
  });

  it('a call neither changes, deletes nor adds rows of another account', async () => {
    for (const { name: table, hasAccount } of await tablesOf(name)) {
      if (!hasAccount) continue;
      const [one] = await asSuperuser(
        `select to_jsonb(t) - array(select attname::text from pg_attribute where attrelid = t.tableoid and attgenerated <> '') as row
         from "${table}" t where account_id = $1 limit 1`,
        [they()],
      );
      await inCallOf(we(), async (run) => {
        for (const statement of [
          sql`select from ${sql.table(table)} where account_id = ${they()}`,
          sql`select from ${sql.table(table)} where account_id = ${they()} for key share`,
        ])
          expect([table, (await run(statement)).rows]).toEqual([table, []]);
        for (const statement of [
          sql`update ${sql.table(table)} set account_id = account_id where account_id = ${they()}`,
          sql`delete from ${sql.table(table)} where account_id = ${they()}`,
        ]) {
          const affected = await run(statement).then(
            ({ numAffectedRows }) => Number(numAffectedRows),
            () => 'refused',
          );
          // A right that the service does not have for this table ends the transaction.
          if (affected === 'refused') return;
          expect([table, affected]).toEqual([table, 0]);
        }
      });
      const columns = one && Object.keys(one.row as unknown as object).map((column) => `"${column}"`);
      if (columns)
        await expect(
          inCallOf(we(), async (run) => {
            await run(sql`insert into ${sql.table(table)} (${sql.raw(columns.join())}) overriding system value
              select ${sql.raw(columns.join())} from jsonb_populate_record(null::${sql.table(`public.${table}`)}, ${JSON.stringify(one.row)}::jsonb)`);
          }),
        ).rejects.toThrow(`new row violates row-level security policy for table "${table}"`);
    }
  });

  it('a call for no account sees nothing that is not shared', async () => {
    for (const table of await tablesOf(name))
      await inCallOf('', async (run) => {
        const { rows } = await run(sql`select from ${sql.table(table.name)} limit 1`);
        if (!isShared(table)) expect([table.name, rows]).toEqual([table.name, []]);
      });
  });

  it.each([
    'alter table inbox disable row level security',
    'alter table inbox no force row level security',
    'drop policy calls on inbox',
    'alter policy calls on inbox using (true)',
    'create policy more on inbox using (true)',
    'set role OWNER',
    'set session authorization OWNER',
    'grant OWNER to CALLS',
    'alter role CALLS bypassrls',
    'create view everything as select * from inbox',
  ])('neither role of the service may %s', async (statement) => {
    const text = statement.replace('OWNER', `${name}_owner`).replace('CALLS', callsRoleOf(name));
    for (const role of ['none', callsRoleOf(name)])
      await expect(
        withClient(system.serviceDatabaseUrl(name), (client) => client.query(`set role ${role}; ${text}`)),
      ).rejects.toMatchObject({ code: '42501' });
  });

  it('a call that switches row-level security off is refused', async () => {
    const reading = inCallOf(we(), async (run) => {
      await run(sql`set local row_security = off`);
      await run(sql`select from inbox`);
    });
    await expect(reading).rejects.toMatchObject({ code: '42501' });
  });
});

interface Result {
  rows: Record<string, string>[];
  numAffectedRows?: bigint;
}
type Run = (statement: RawBuilder<unknown>) => Promise<Result>;

/** As PostgreSQL shows it. */
const OF_ACCOUNT = `(account_id = (NULLIF(current_setting('leaver.account'::text, true), ''::text))::uuid)`;

const allAccounts = (of: System): Promise<string[]> =>
  withClient(of.databaseUrl('identity'), async (client) =>
    (await client.query<{ id: string }>('select id from account')).rows.map(({ id }) => id),
  );
