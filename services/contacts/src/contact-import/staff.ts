import type { UserStatus } from '#libs/contracts';
import type { Db } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Whom the staff ids of a batch mean. */
export interface Staff {
  /** Staff id → user id, of those who may be assigned something. */
  active: ReadonlyMap<string, string>;
  /** The same of those who have left. */
  gone: ReadonlyMap<string, string>;
}

/**
 * Finds people by staff id and keeps them from leaving until the transaction ends, as `Directory.requireActive` does: a
 * departure comes either before, and they are not matched, or after, and finds what is assigned here.
 */
export async function matchStaff(
  db: Db,
  accountId: string,
  rows: readonly { staffId: string | null }[],
): Promise<Staff> {
  const staffIds = [...new Set(rows.flatMap(({ staffId }) => staffId ?? []))];
  if (staffIds.length === 0) return { active: new Map(), gone: new Map() };
  const { rows: people } = await sql<{ user_id: string; staff_id: string; status: UserStatus }>`
    select user_id, staff_id, status from directory
    where account_id = ${accountId} and staff_id = any(${staffIds}::text[])
    order by user_id for key share`.execute(db);
  const [active, gone] = [isActive, (person: { status: UserStatus }) => !isActive(person)].map(
    (wanted) => new Map(people.filter(wanted).map((person) => [person.staff_id, person.user_id])),
  );
  return { active: active!, gone: gone! };
}

const isActive = ({ status }: { status: UserStatus }): boolean => status === 'active' || status === 'invited';
