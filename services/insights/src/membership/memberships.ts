import type { EntityManager } from '@mikro-orm/postgresql';
import type { UserView } from '#libs/contracts';
import type { Directory, Ids } from '#libs/database';
import type { Membership } from './membership.entity.js';

/** Makes users part of something. Whether they may be named has been checked in the same transaction. */
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

/** Who is part of each, by the id of what they are part of, in the order in which they were named. */
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
