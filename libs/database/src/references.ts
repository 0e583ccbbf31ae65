import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem } from '#libs/contracts';
import { sql } from 'kysely';
import type { AnyEntity } from './orm-options.js';

/**
 * Makes sure that a row of the account is there, and that it stays until the transaction ends. It may be changed
 * meanwhile: a departure that reassigns it must not wait for whoever refers to it.
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
