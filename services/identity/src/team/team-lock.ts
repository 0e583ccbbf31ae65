import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';

/** @throws Problem `not-found`, for another account's team, too */
export async function lockTeam(
  em: EntityManager,
  accountId: string,
  teamId: string,
  strength: RawBuilder<unknown>,
): Promise<void> {
  const { rows } = await sql`
    select id from team where account_id = ${accountId} and id = ${teamId} ${strength}`.execute(em.getKysely());
  if (rows.length === 0) throw new Problem('not-found', { detail: 'There is no such team.' });
}
