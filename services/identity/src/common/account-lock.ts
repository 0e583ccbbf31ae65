import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';

/**
 * Serializes changes in an account that depend on counts of users: seats and owners. Must come before locks on users.
 */
export async function lockAccount(em: EntityManager, accountId: string): Promise<void> {
  await sql`select id from account where id = ${accountId} for no key update`.execute(em.getKysely());
}
