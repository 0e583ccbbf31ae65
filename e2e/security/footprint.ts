import { withClient } from '#libs/local-servers';
import { PARTS } from '../support/foundation.js';
import type { System } from '../support/system.js';

/** The circuit breakers of receivers: delivery workers change them by themselves. */
const CHANGES_BY_ITSELF = 'webhook_receiver';

/** A digest of all rows with the account's id, by service and table. */
export async function footprintOf(system: System, accountId: string): Promise<Record<string, string>> {
  const footprint: Record<string, string> = {};
  for (const { name } of PARTS)
    await withClient(system.databaseUrl(name), async (client) => {
      const tables = await client.query<{ name: string }>(`
        select c.table_name as name from information_schema.columns c join information_schema.tables t
          using (table_schema, table_name)
        where c.table_schema = 'public' and c.column_name = 'account_id' and t.table_type = 'BASE TABLE'
          and c.table_name <> '${CHANGES_BY_ITSELF}' order by 1`);
      for (const { name: table } of tables.rows) {
        const { rows } = await client.query<{ digest: string }>(
          `select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest
           from "${table}" t where account_id = $1`,
          [accountId],
        );
        footprint[`${name}.${table}`] = rows[0]!.digest;
      }
    });
  return footprint;
}
