import { EntityManager, raw } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isManager, Problem, type Principal } from '#libs/contracts';
import { Clock, Directory } from '#libs/database';
import { sql } from 'kysely';

type Condition = Record<string, unknown>;

/** Ids of those whose inboxes the user takes care of at the moment. */
const CARED_FOR = `(select user_id from directory
  where caretaker_id = ? and (caretaker_until is null or caretaker_until > ?))`;
const OPEN = `(select id from message_inbox
  where account_id = ? and (kind = 'shared' or owner_id = ? or owner_id in ${CARED_FOR}))`;

/** Which inboxes somebody sees: shared ones, their own, those in their care until that time is up; managers see all. */
export function visibleInboxes({ userId, roles }: Principal, now: Date): Condition {
  if (isManager({ roles })) return {};
  return {
    $or: [{ kind: 'shared' }, { ownerId: userId }, { ownerId: { $in: raw(CARED_FOR, [userId, now]) } }],
  };
}

/** Of what is in an inbox: whoever sees that sees it. */
export function inVisibleInboxes({ accountId, userId, roles }: Principal, now: Date): Condition {
  if (isManager({ roles })) return {};
  return { inboxId: { $in: raw(OPEN, [accountId, userId, userId, now]) } };
}

/** The same for conversations; whoever has been given one sees it wherever it is. */
export function visibleConversations(principal: Principal, now: Date): Condition {
  if (isManager(principal)) return {};
  return { $or: [{ assignee: principal.userId }, inVisibleInboxes(principal, now)] };
}

/** The same for messages, which are seen together with their conversation. */
export function visibleMessages(principal: Principal, now: Date): Condition {
  if (isManager(principal)) return {};
  const own = { conversationId: { $in: raw('(select id from conversation where assignee = ?)', [principal.userId]) } };
  return { $or: [own, inVisibleInboxes(principal, now)] };
}

/** Who writes in an inbox. */
@Injectable()
export class InboxAccess {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly clock: Clock,
  ) {}

  /**
   * Keeps everybody concerned from leaving until the transaction ends. The owner may be deactivated where the caller takes
   * care of the inbox.
   * @param others who have to be active as well
   * @throws Problem `inactive-user`, `unknown-user`
   */
  async hold(
    { accountId, userId }: Principal,
    ownerId: string | null,
    others: readonly (string | null)[] = [],
  ): Promise<void> {
    const caring = ownerId !== null && (await this.takesCare(userId, ownerId));
    // All at once, so that they are locked in the order in which departures lock them.
    if (caring) await this.directory.requireNotDeleted(accountId, [ownerId, ...others]);
    await this.directory.requireActive(accountId, caring ? others : [ownerId, ...others]);
  }

  async takesCare(caretakerId: string, ownerId: string): Promise<boolean> {
    return (await this.caretaker(ownerId)) === caretakerId;
  }

  /**
   * Who manages this person's inbox meanwhile. Nobody takes care of an inbox whose threads have been deleted: none are to
   * begin there until the owner is back.
   */
  async caretaker(ownerId: string): Promise<string | undefined> {
    const { rows } = await sql<{ caretaker_id: string }>`
      select d.caretaker_id from directory d
      where d.user_id = ${ownerId} and d.caretaker_id is not null and d.status <> 'deleted'
        and (d.caretaker_until is null or d.caretaker_until > ${this.clock.now()})
        and (d.status <> 'deactivated' or not exists (
          select from inbox i cross join lateral jsonb_array_elements(i.lines) line
          where i.user_id = d.user_id and i.lifecycle_version = d.lifecycle_version
            and line ->> 'rule' = 'messaging.personal-threads' and line ->> 'action' = 'delete'))`.execute(
      this.em.getKysely(),
    );
    return rows[0]?.caretaker_id;
  }

  /** @throws Problem `forbidden` for the personal inbox of somebody else, but for caretakers and managers */
  async assertMaySend(principal: Principal, ownerId: string | null): Promise<void> {
    if (!ownerId || ownerId === principal.userId || isManager(principal)) return;
    if (!(await this.takesCare(principal.userId, ownerId))) {
      throw new Problem('forbidden', { detail: 'This is the personal inbox of somebody else.' });
    }
  }
}
