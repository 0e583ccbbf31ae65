import { sql } from 'kysely';

/** Whether this user of a statement is an owner. */
export const isOwner = (user: 'u' | 'b') =>
  sql`exists (select from user_role r where r.user_id = ${sql.ref(`${user}.id`)} and r.role = 'owner')`;

/**
 * Whether the user `u` of a statement has to sign in through the account's provider: passwords count for nothing then. The
 * break-glass owner is excepted. If that one can no longer sign in as an owner, every owner is, so that a broken provider does
 * not lock the account.
 */
export const mustUseSso = sql<boolean>`exists (
  select from sso_connection c
  where c.account_id = u.account_id and c.enforced and c.break_glass_id is distinct from u.id
    and not (${isOwner('u')} and not exists (
      select from users b
      where b.id = c.break_glass_id and b.status = 'active' and b.suspended_at is null and b.password_hash is not null
        and ${isOwner('b')})))`;
