import { EntityManager, raw } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isManager, Problem, RIGHTS, whoMay, type Call, type Principal } from '#libs/contracts';
import { Clock, Directory } from '#libs/database';
import { allOf, rowsFor } from '#libs/platform';
import { sql } from 'kysely';
import { Inbox, type InboxRow } from './inbox.entity.js';

type Condition = Record<string, unknown>;

/** Subquery: ids of the users whose inboxes the user is currently the caretaker of. */
const CARED_FOR = `(select user_id from directory
  where caretaker_id = ? and (caretaker_until is null or caretaker_until > ?))`;
/** Subquery: ids of the user's personal inboxes and of those the user takes care of. */
const ATTENDED = `(select id from message_inbox
  where account_id = ? and (owner_id = ? or owner_id in ${CARED_FOR}))`;
/**
 * Subquery: ids of the shared inboxes that a user sees. Replicas of an earlier release leave `open_to_all` empty: an inbox
 * without members is then open.
 */
const SHARED = `(select i.id from message_inbox i where i.account_id = ? and i.kind = 'shared' and (
  exists (select from inbox_member m where m.inbox_id = i.id and m.user_id = ?)
  or coalesce(i.open_to_all, not exists (select from inbox_member m where m.inbox_id = i.id))))`;

const attended = ({ accountId, userId }: Principal, now: Date) => raw(ATTENDED, [accountId, userId, userId, now]);
const shared = ({ accountId, userId }: Principal) => raw(SHARED, [accountId, userId]);

/** Rows in the user's personal inboxes, or in those the user takes care of. */
export const inAttendedInboxes = (principal: Principal, now: Date): Condition => ({
  inboxId: { $in: attended(principal, now) },
});

/** Rows in the shared inboxes that the user sees: as a member, or because the inbox is for the whole account. */
export const inSharedInboxes = (principal: Principal): Condition => ({ inboxId: { $in: shared(principal) } });

/** The inboxes that a user sees besides their own. */
export const othersInboxes = (principal: Principal, now: Date): Condition => ({
  $or: [{ id: { $in: shared(principal) } }, { ownerId: { $in: raw(CARED_FOR, [principal.userId, now]) } }],
});

/** Conversations that a user sees besides those in attended inboxes. */
export const sharedConversations = (principal: Principal): Condition => ({
  $or: [{ assignee: principal.userId }, inSharedInboxes(principal)],
});

/** Subquery: ids of the conversations that a user sees, who is no manager. */
export const conversationsOf = ({ accountId, userId }: Principal, now: Date) =>
  raw(
    `(select id from conversation where account_id = ? and (assignee = ? or inbox_id in ${ATTENDED} or inbox_id in ${SHARED}))`,
    [...[accountId, userId], ...[accountId, userId, userId, now], ...[accountId, userId]],
  );

/** Decides who can send from an inbox. */
@Injectable()
export class InboxAccess {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `not-found`, also for an inbox that the caller does not see */
  async find({ principal, params }: Pick<Call, 'principal' | 'params'>): Promise<InboxRow> {
    const { accountId, userId } = principal;
    const now = this.clock.now();
    const relations = { own: () => ({ ownerId: userId }), team: () => othersInboxes(principal, now) };
    const seen = rowsFor(whoMay(RIGHTS.inboxes, 'get'), principal, relations, now);
    const inbox = await this.em.findOne(Inbox, allOf<InboxRow>({ id: params.id, accountId }, seen));
    if (!inbox) throw new Problem('not-found');
    return inbox;
  }

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

  /**
   * The inbox of the account, in which the caller may write.
   * @throws Problem `unknown-reference`; `forbidden` as `assertMayWrite`
   */
  async writable(principal: Principal, id: string): Promise<{ id: string; ownerId: string | null }> {
    const inbox = await this.em.findOne(Inbox, { id, accountId: principal.accountId });
    if (!inbox) throw new Problem('unknown-reference', { detail: 'Name an inbox of this account.', items: [id] });
    const { ownerId = null } = inbox;
    await this.assertMayWrite(principal, { id, ownerId });
    return { id, ownerId };
  }

  /**
   * Requires that the caller may write in the inbox: open conversations, send messages and campaigns.
   * @throws Problem `forbidden` for another user's personal inbox, unless the caller is its caretaker, and for a shared
   * inbox that the caller does not see. Managers may write in all.
   */
  async assertMayWrite(principal: Principal, { id, ownerId }: { id: string; ownerId: string | null }): Promise<void> {
    if (ownerId === principal.userId || isManager(principal)) return;
    if (ownerId && !(await this.takesCare(principal.userId, ownerId)))
      throw new Problem('forbidden', { detail: 'This is the personal inbox of another user.' });
    if (!ownerId && (await this.em.count(Inbox, { $and: [{ id }, { id: { $in: shared(principal) } }] })) === 0)
      throw new Problem('forbidden', { detail: 'You are not a member of this inbox.' });
  }
}
