import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem } from '#libs/contracts';
import { sql } from 'kysely';

/**
 * Makes sure that the account has this row, and that nobody removes it before the transaction ends.
 * @throws Problem `unknown-reference`
 */
export async function requireRow(
  em: EntityManager,
  table: 'contact' | 'record',
  { id, accountId }: { id: string; accountId: string },
): Promise<void> {
  const { rows } = await sql`
    select 1 from ${sql.table(table)} where id = ${id} and account_id = ${accountId} for key share`.execute(
    em.getKysely(),
  );
  if (rows.length === 0)
    throw new Problem('unknown-reference', { detail: `Name a ${table} of this account.`, items: [id] });
}
