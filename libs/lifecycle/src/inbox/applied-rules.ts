import { relationOf } from '#libs/database';
import { sql } from 'kysely';
import type { Db } from '../declare/where.js';

/** Since when rules of a person count as applied. */
interface Since {
  userId: string;
  /** The lifecycle version of the last activation. */
  activeSince: number;
  /** The lifecycle version of the take-over whose step the decision has inherited. */
  takenOverAt?: number;
}

/**
 * Rules of the transition `deactivated` that have been applied since the last activation, and of `transferred` since the
 * take-over whose step the decision has inherited.
 */
export async function appliedRules(db: Db, people: readonly Since[]): Promise<Set<string>> {
  if (people.length === 0) return new Set();
  const since = people.map(({ userId, activeSince, takenOverAt }) => ({
    user_id: userId,
    active_since: activeSince,
    taken_over_at: takenOverAt ?? null,
  }));
  const { rows } = await sql<{ user_id: string; transition: string; rule: string; part: string | null }>`
    select i.user_id, line ->> 'transition' as transition, line ->> 'rule' as rule, line ->> 'part' as part
    from ${relationOf('p', since, { user_id: 'uuid', active_since: 'bigint', taken_over_at: 'bigint' })}
    join inbox i on i.user_id = p.user_id and i.lifecycle_version >= least(p.active_since + 1, p.taken_over_at)
    cross join lateral jsonb_array_elements(i.lines) line
    where line ->> 'finishedAt' is not null and (
      line ->> 'transition' = 'deactivated' and i.lifecycle_version > p.active_since
      or line ->> 'transition' = 'transferred' and i.lifecycle_version >= p.taken_over_at)`.execute(db);
  return new Set(rows.map((row) => appliedKey(row.user_id, row)));
}

export const appliedKey = (
  userId: string,
  { transition, rule, part }: { transition: string; rule: string; part?: string | null },
): string => `${userId} ${transition} ${rule} ${part ?? ''}`;
