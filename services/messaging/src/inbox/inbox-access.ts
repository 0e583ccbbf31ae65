import { EntityManager, raw } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isManager, Problem, type Principal } from '#libs/contracts';
import { Clock, Directory } from '#libs/database';
import { sql } from 'kysely';

type Condition = Record<string, unknown>;

/** Subquery: ids of the users whose inboxes the user is currently the caretaker of. */
const CARED_FOR = `(select user_id from directory
  where caretaker_id = ? and (caretaker_until is null or caretaker_until > ?))`;
const OPEN = `(select id from message_inbox
  where account_id = ? and (kind = 'shared' or owner_id = ? or owner_id in ${CARED_FOR}))`;

/**
 * The condition for inboxes that a user sees: shared ones, their own, and those they are caretaker of. Managers see
 * all.
 */
export function visibleInboxes({ userId, roles }: Principal, now: Date): Condition {
  if (isManager({ roles })) return {};
  return {
    $or: [{ kind: 'shared' }, { ownerId: userId }, { ownerId: { $in: raw(CARED_FOR, [userId, now]) } }],
  };
}

/** The condition for rows in an inbox: they are visible to the users who see the inbox. */
export function inVisibleInboxes({ accountId, userId, roles }: Principal, now: Date): Condition {
  if (isManager({ roles })) return {};
  return { inboxId: { $in: raw(OPEN, [accountId, userId, userId, now]) } };
}

/** The same for conversations. The assignee also sees a conversation in an inbox that they do not see. */
export function visibleConversations(principal: Principal, now: Date): Condition {
  if (isManager(principal)) return {};
  return { $or: [{ assignee: principal.userId }, inVisibleInboxes(principal, now)] };
}

/** The same for messages, which are visible together with their conversation. */
export function visibleMessages(principal: Principal, now: Date): Condition {
  if (isManager(principal)) return {};
  const own = { conversationId: { $in: raw('(select id from conversation where assignee = ?)', [principal.userId]) } };
  return { $or: [own, inVisibleInboxes(principal, now)] };
}

/** Decides who can send from an inbox. */
@Injectable()
export class InboxAccess {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly clock: Clock,
  ) {}

  /**
   * Requires the owner and the others to be active, and locks them until the transaction ends. If the caller is the
   * caretaker, the owner may be deactivated.
   * @param ownerId the owner of the inbox; null for a shared one
   * @param others users who must be active as well
   * @throws Problem `inactive-user`, `unknown-user`
   */
  async hold(
    { accountId, userId }: Principal,
    ownerId: string | null,
    others: readonly (string | null)[] = [],
  ): Promise<void> {
    const caring = ownerId !== null && (await this.takesCare(userId, ownerId));
    // All users in one call, so that they are locked in the same order as by a departure.
    if (caring) await this.directory.requireNotDeleted(accountId, [ownerId, ...others]);
    await this.directory.requireActive(accountId, caring ? others : [ownerId, ...others]);
  }

  async takesCare(caretakerId: string, ownerId: string): Promise<boolean> {
    return (await this.caretaker(ownerId)) === caretakerId;
  }

  /**
   * Returns the current caretaker of the user's inbox. There is none if a deactivation has deleted the inbox's threads,
   * because no new threads may start there until the owner is reactivated.
   */
  async caretaker(ownerId: string): Promise<string | undefined> {
    const caretakerId = await this.directory.caretakerOf(ownerId, this.clock.now());
    return caretakerId && !(await this.hasLostThreads(ownerId)) ? caretakerId : undefined;
  }

  private async hasLostThreads(ownerId: string): Promise<boolean> {
    const { rows } = await sql`
      select from directory d where d.user_id = ${ownerId} and d.status = 'deactivated' and exists (
        select from inbox i cross join lateral jsonb_array_elements(i.lines) line
        where i.user_id = d.user_id and i.lifecycle_version = d.lifecycle_version
          and line ->> 'rule' = 'messaging.personal-threads' and line ->> 'action' = 'delete')`.execute(
      this.em.getKysely(),
    );
    return rows.length > 0;
  }

  /** Whether the owner has left and the inbox has no caretaker. */
  async isUnattended(accountId: string, ownerId: string): Promise<boolean> {
    const left = await this.directory.lockAndCheckLeft(accountId, ownerId);
    return left && !(await this.caretaker(ownerId));
  }

  /** @throws Problem `forbidden` for another user's personal inbox, unless the caller is its caretaker or a manager */
  async assertMaySend(principal: Principal, ownerId: string | null): Promise<void> {
    if (!ownerId || ownerId === principal.userId || isManager(principal)) return;
    if (!(await this.takesCare(principal.userId, ownerId))) {
      throw new Problem('forbidden', { detail: 'This is the personal inbox of another user.' });
    }
  }
}
