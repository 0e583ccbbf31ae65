import type { EntityManager } from '@mikro-orm/postgresql';
import { sql, type RawBuilder } from 'kysely';

/**
 * Records the time at which teams have changed. Locks them in the order of their ids, so lock users before and append to
 * the audit trail afterwards.
 * @param teamIds a list of ids or a subquery
 */
export async function recordTeamChange(em: EntityManager, teamIds: RawBuilder<unknown>, now: Date): Promise<void> {
  await sql`
    update team t set updated_at = ${now}
    from (select id from team where id in (${teamIds}) order by id for no key update) locked
    where t.id = locked.id`.execute(em.getKysely());
}
