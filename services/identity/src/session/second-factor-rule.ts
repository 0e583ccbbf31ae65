import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';

/** How long sessions from before the policy asked for a second factor go on without one. */
const GRACE_MS = 7 * 86_400_000;

const ASKED = sql`(a.mfa = 'everybody' or a.mfa = 'managers'
  and exists (select from user_role r where r.user_id = u.id and r.role in ('owner', 'admin')))`;

/** Whether the policy of the account asks the user for a second factor. */
export async function policyAsksForSecondFactor(em: EntityManager, userId: string): Promise<boolean> {
  const { rows } = await sql`
    select from users u join account a on a.id = u.account_id where u.id = ${userId} and ${ASKED}`.execute(
    em.getKysely(),
  );
  return rows.length > 0;
}

/**
 * Whether the policy asks for a second factor that the user of the session lacks. In sessions that the account's identity provider
 * has begun, second factors are the provider's concern.
 */
export async function isSecondFactorMissing(
  em: EntityManager,
  { userId, sessionId }: { userId: string; sessionId: string },
  now: Date,
): Promise<boolean> {
  const graceBegan = new Date(now.getTime() - GRACE_MS);
  const { rows } = await sql`
    select from users u join account a on a.id = u.account_id join session s on s.user_id = u.id
    where u.id = ${userId} and s.id = ${sessionId} and not s.sso and ${ASKED}
      and (s.created_at >= a.mfa_since or a.mfa_since <= ${graceBegan})
      and not exists (select from passkey p where p.user_id = u.id)
      and not exists (select from totp t where t.user_id = u.id and t.confirmed_at is not null)`.execute(
    em.getKysely(),
  );
  return rows.length > 0;
}
