import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem, RIGHTS, whoMay, type Principal } from '#libs/contracts';
import { allOf, rowsFor } from '#libs/platform';
import { inAttendedInboxes, sharedConversations } from '../inbox/inbox-access.js';
import { Conversation, type ConversationRow } from './conversation.entity.js';

/** @throws Problem `unknown-reference`, also for a conversation that the caller does not see */
export async function requireSeen(em: EntityManager, principal: Principal, id: string, now: Date): Promise<void> {
  const relations = { own: inAttendedInboxes, team: sharedConversations };
  const seen = rowsFor(whoMay(RIGHTS.conversations, 'get'), principal, relations, now);
  if ((await em.count(Conversation, allOf<ConversationRow>({ id, accountId: principal.accountId }, seen))) > 0) return;
  throw new Problem('unknown-reference', { detail: 'Name a conversation of this account.', items: [id] });
}
