import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem } from '#libs/contracts';
import { sql } from 'kysely';
import { lockAccount } from '../common/account-lock.js';

/**
 * Refuses a change that would leave the account without an owner who can log in. Locks the account, so that one of two
 * owners who remove each other stays.
 * @param leavingIds all users who leave or lose the role owner in this transaction, before the change
 * @throws Problem `sole-owner` with the ids of the last owners
 */
export async function assertOwnerRemains(
  em: EntityManager,
  accountId: string,
  leavingIds: readonly string[],
): Promise<void> {
  await lockAccount(em, accountId);
  const items = await lastOwners(em, accountId, leavingIds);
  if (items.length > 0) throw new Problem('sole-owner', { detail: SOLE_OWNER, items });
}

export const SOLE_OWNER = 'First make another user an owner who is active and has a password.';

/** Returns the ids of the owners who can log in if all of them are leaving; otherwise none. */
export async function lastOwners(
  em: EntityManager,
  accountId: string,
  leavingIds: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ id: string; leaves: boolean }>`
    select u.id, u.id = any(${leavingIds}::uuid[]) as leaves from users u
    where u.account_id = ${accountId} and u.status = 'active' and u.suspended_at is null and u.password_hash is not null
      and exists (select from user_role r where r.user_id = u.id and r.role = 'owner')`.execute(em.getKysely());
  return rows.every((row) => row.leaves) ? rows.map((row) => row.id) : [];
}
