import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem } from '#libs/contracts';
import { sql } from 'kysely';
import type { AnyEntity } from './connection/orm-options.js';

/**
 * Checks that a row of the account exists, and keeps it from being deleted until the transaction ends. It may still be
 * updated, so that a departure that reassigns it does not wait for this transaction.
 * @throws Problem `unknown-reference`
 */
export async function requireReference(
  em: EntityManager,
  to: { entity: AnyEntity; accountId: string; id: string; detail: string },
): Promise<void> {
  const { tableName } = em.getMetadata().get(to.entity);
  const { rows } = await sql`
    select 1 from ${sql.table(tableName)} where id = ${to.id} and account_id = ${to.accountId} for key share`.execute(
    em.getKysely(),
  );
  if (rows.length === 0) throw new Problem('unknown-reference', { detail: to.detail, items: [to.id] });
}
