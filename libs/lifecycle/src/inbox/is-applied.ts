import { sql } from 'kysely';
import type { Db } from '../declare/where.js';

/** A change of a user's status. */
export interface Decision {
  userId: string;
  lifecycleVersion: number;
}

/**
 * Whether this service has applied a decision or given up on it. Work that has to come after the rules of a departure waits
 * for this, because the event may not have arrived yet or may continue in chunks.
 */
export async function isApplied(db: Db, { userId, lifecycleVersion }: Decision): Promise<boolean> {
  const { rows } = await sql<{ settled: boolean }>`
    select coalesce(
      (select status not in ('running', 'retry') from inbox where user_id = ${userId} and lifecycle_version = ${lifecycleVersion}),
      (select lifecycle_version >= ${lifecycleVersion} from directory where user_id = ${userId}),
      false) as settled`.execute(db);
  return rows[0]!.settled;
}
