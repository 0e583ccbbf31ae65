import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem, type Seats } from '#libs/contracts';
import { sql } from 'kysely';
import { lockAccount } from './account-lock.js';

export async function seatsOf(em: EntityManager, accountId: string): Promise<Seats> {
  const { rows } = await sql<{ total: number; used: number }>`
    select a.seats as total, (select count(*) from users u where u.account_id = a.id and u.seat_taken)::int as used
    from account a where a.id = ${accountId}`.execute(em.getKysely());
  const { total, used } = rows[0]!;
  return { total, used, free: Math.max(0, total - used) };
}

/**
 * Requires free seats. Locks the account, so that they stay free until the transaction ends.
 * @throws Problem `no-free-seat`
 */
export async function requireFreeSeats(em: EntityManager, accountId: string, wanted = 1): Promise<void> {
  await lockAccount(em, accountId);
  const { total, free } = await seatsOf(em, accountId);
  if (free >= wanted) return;
  throw new Problem('no-free-seat', { detail: `All ${total} seats are in use. Deactivate a user or add seats.` });
}
