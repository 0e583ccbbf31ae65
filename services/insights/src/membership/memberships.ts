import type { EntityManager } from '@mikro-orm/postgresql';
import type { UserView } from '#libs/contracts';
import type { Directory, Ids } from '#libs/database';
import type { Membership } from './membership.entity.js';

/** Adds users to a report or goal. The caller has checked, in the same transaction, that they may be named. */
export async function addMembers(
  em: EntityManager,
  ids: Ids,
  entity: Membership,
  { id: wholeId, accountId }: { id: string; accountId: string },
  userIds: readonly string[],
): Promise<void> {
  const rows = userIds.map((userId) => ({ id: ids.next(), accountId, wholeId, userId }));
  if (rows.length > 0) await em.insertMany(entity, rows);
}

interface Tools {
  em: EntityManager;
  directory: Directory;
  ids: Ids;
}

/**
 * Replaces the users of a locked report or goal. Former ones may stay even if they have left. The caller has locked all
 * users before the report or goal.
 * @throws Problem `inactive-user` for a new one who has left
 */
export async function replaceMembers(
  { em, directory, ids }: Tools,
  entity: Membership,
  whole: { id: string; accountId: string },
  userIds: readonly string[],
): Promise<void> {
  const former = await em.find(entity, { wholeId: whole.id });
  const added = userIds.filter((userId) => !former.some((member) => member.userId === userId));
  await directory.requireActive(whole.accountId, added);
  await em.nativeDelete(entity, { wholeId: whole.id, userId: { $nin: [...userIds] } });
  await addMembers(em, ids, entity, whole, added);
}

/**
 * Loads the members of several reports or goals. @returns a lookup by the report's or goal's id; members keep the order
 * in which they were added
 */
export async function membersOf(
  em: EntityManager,
  directory: Directory,
  entity: Membership,
  wholeIds: readonly string[],
): Promise<(wholeId: string) => UserView[]> {
  const members = await em.find(entity, { wholeId: { $in: [...wholeIds] } }, { orderBy: { id: 'asc' } });
  const views = await directory.views(members.map((member) => member.userId));
  const byWhole = Map.groupBy(members, (member) => member.wholeId);
  return (wholeId) => (byWhole.get(wholeId) ?? []).map((member) => views.get(member.userId)!);
}
