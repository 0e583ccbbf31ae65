import type { EntityManager } from '@mikro-orm/postgresql';
import type { Directory, Ids } from '#libs/database';
import { Conversation } from '../conversation/conversation.entity.js';
import { InboxMember, type InboxRow } from './inbox.entity.js';

interface Tools {
  em: EntityManager;
  directory: Directory;
  ids: Ids;
}

/**
 * Replaces the members of a locked shared inbox, and unassigns the conversations of users who do not see it any more, also
 * closed ones, which their next message would reopen. The caller has locked all users before the inbox.
 * @throws Problem `inactive-user` for a new member who has left
 */
export async function replaceMembers(
  { em, directory, ids }: Tools,
  inbox: InboxRow,
  userIds: readonly string[],
): Promise<void> {
  const { id: inboxId, accountId } = inbox;
  const former = (await em.find(InboxMember, { inboxId })).map(({ userId }) => userId);
  // Replicas of an earlier release leave it empty: an inbox without members is then open.
  const wasOpen = inbox.openToAll ?? former.length === 0;
  const [added, removed] = [userIds.filter((id) => !former.includes(id)), former.filter((id) => !userIds.includes(id))];
  await directory.requireActive(accountId, added);
  inbox.openToAll = false;
  await em.nativeDelete(InboxMember, { inboxId, userId: { $in: removed } });
  const rows = added.map((userId) => ({ id: ids.next(), accountId, inboxId, userId }));
  if (rows.length > 0) await em.insertMany(InboxMember, rows);
  const excluded = wasOpen ? { $nin: [...userIds] } : { $in: removed };
  await em.nativeUpdate(Conversation, { inboxId, assignee: excluded }, { assignee: null });
}
