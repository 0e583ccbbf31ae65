import type { UserStatus } from '#libs/contracts';
import type { Db } from '#libs/lifecycle';
import { sql } from 'kysely';

/** The users to whom the staff ids of a batch belong. */
export interface Staff {
  /** Staff id → user id of active and invited users, who can be assigned contacts. */
  active: ReadonlyMap<string, string>;
  /** Staff id → user id of users who have left. */
  gone: ReadonlyMap<string, string>;
  /** Whether the user for whom the file is imported has left. */
  ownerHasLeft: boolean;
}

/**
 * Finds users by staff id and locks them until the transaction ends, as `Directory.requireActive` does. A departure is
 * processed either before, and the user is not matched, or after, and it finds the contacts assigned here.
 * @param ownerId for whom the file is imported. Locked by the same statement, so that the order of locks is that of ids
 */
export async function matchStaff(
  db: Db,
  accountId: string,
  rows: readonly { staffId: string | null }[],
  ownerId: string | null,
): Promise<Staff> {
  const staffIds = [...new Set(rows.flatMap(({ staffId }) => staffId ?? []))];
  if (staffIds.length === 0 && !ownerId) return { active: new Map(), gone: new Map(), ownerHasLeft: false };
  const { rows: people } = await sql<{ user_id: string; staff_id: string; status: UserStatus; named: boolean }>`
    select user_id, staff_id, status, coalesce(staff_id = any(${staffIds}::text[]), false) as named from directory
    where account_id = ${accountId} and (staff_id = any(${staffIds}::text[]) ${ownerId ? sql`or user_id = ${ownerId}` : sql``})
    order by user_id for key share`.execute(db);
  const [active, gone] = [isActive, (person: { status: UserStatus }) => !isActive(person)].map(
    (wanted) =>
      new Map(people.filter((one) => one.named && wanted(one)).map((person) => [person.staff_id, person.user_id])),
  );
  const ownerHasLeft = people.some((person) => person.user_id === ownerId && !isActive(person));
  return { active: active!, gone: gone!, ownerHasLeft };
}

const isActive = ({ status }: { status: UserStatus }): boolean => status === 'active' || status === 'invited';
