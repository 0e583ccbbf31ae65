import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';

/** One at a time for whatever counts the account's people: seats and owners. Comes before locks on users. */
export async function lockAccount(em: EntityManager, accountId: string): Promise<void> {
  await sql`select id from account where id = ${accountId} for no key update`.execute(em.getKysely());
}
