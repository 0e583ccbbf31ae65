import type { UserStatus } from '#libs/contracts';
import { hasLeft, type CurrentUser } from '#libs/database';
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

/** The staff ids in a batch, each once. */
export const staffIdsIn = (rows: readonly { staffId: string | null }[]): string[] => [
  ...new Set(rows.flatMap(({ staffId }) => staffId ?? [])),
];

/**
 * Locks the users to whom staff ids belong until the transaction ends, as `Directory.requireActive` does. A departure is
 * processed either before, and the user is not matched, or after, and it finds the contacts assigned here.
 * @param current the users as identity knew them before the transaction: the directory may not know a new user or a
 *   changed staff id yet, and a row that is not matched stays so
 * @param ownerId for whom the file is imported. Locked by the same statement, so that the order of locks is that of ids
 */
export async function matchStaff(db: Db, current: readonly CurrentUser[], ownerId: string | null): Promise<Staff> {
  if (current.length === 0 && !ownerId) return { active: new Map(), gone: new Map(), ownerHasLeft: false };
  const userIds = [...current.map(({ userId }) => userId), ...(ownerId ? [ownerId] : [])];
  const { rows: people } = await sql<{ user_id: string; status: UserStatus }>`
    select user_id, status from directory where user_id = any(${userIds}::uuid[])
    order by user_id for key share`.execute(db);
  const here = new Set(people.filter((person) => !hasLeft(person)).map((person) => person.user_id));
  const isActive = (user: CurrentUser) => !hasLeft(user) && here.has(user.userId);
  const [active, gone] = [isActive, (user: CurrentUser) => !isActive(user)].map(
    (wanted) => new Map(current.filter(wanted).map(({ staffId, userId }) => [staffId!, userId])),
  );
  const ownerHasLeft = people.some((person) => person.user_id === ownerId && hasLeft(person));
  return { active: active!, gone: gone!, ownerHasLeft };
}
