import { sql } from 'kysely';
import type { Db } from '../declare/where.js';

/** A change of somebody's status. */
export interface Decision {
  userId: string;
  lifecycleVersion: number;
}

/**
 * Whether this service is through with a decision, or has given up on it. What has to come after the rules of a departure
 * waits for this: the event may still be on its way, or its rows be worked off in chunks.
 */
export async function isApplied(db: Db, { userId, lifecycleVersion }: Decision): Promise<boolean> {
  const { rows } = await sql<{ settled: boolean }>`
    select coalesce(
      (select status not in ('running', 'retry') from inbox where user_id = ${userId} and lifecycle_version = ${lifecycleVersion}),
      (select lifecycle_version >= ${lifecycleVersion} from directory where user_id = ${userId}),
      false) as settled`.execute(db);
  return rows[0]!.settled;
}
