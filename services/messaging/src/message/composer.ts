import { Injectable } from '@nestjs/common';
import {
  isManager,
  Problem,
  type Addressed,
  type NewMessage,
  type NewScheduledMessage,
  type Principal,
  type Recipient,
} from '#libs/contracts';
import { Clock, Directory } from '#libs/database';
import type { ScheduledMessageRow } from '../scheduled-message/scheduled-message.entity.js';
import { ScheduledMessages } from '../scheduled-message/scheduled-messages.js';
import { InboxAccess } from '../inbox/inbox-access.js';
import { Outgoing, type Letter } from './outgoing.js';
import { misaddressed, Recipients } from './recipients.js';
import { SendingInboxes, type SendingInbox } from './sending-inboxes.js';

export interface Composed {
  /** Ids of the messages that were queued for the carrier. */
  sent: string[];
  scheduled: ScheduledMessageRow[];
  total: number;
}

/** What other services know about a message before it is written. */
export interface PreparedMessage {
  to: Recipient[];
  /** The sender's teams. */
  teamIds: string[];
}

interface Share {
  inbox: SendingInbox;
  to: Recipient[];
}

/** Creates messages, or scheduled messages, in the inboxes that they are sent from. */
@Injectable()
export class Composer {
  constructor(
    private readonly directory: Directory,
    private readonly recipients: Recipients,
    private readonly inboxes: SendingInboxes,
    private readonly access: InboxAccess,
    private readonly outgoing: Outgoing,
    private readonly scheduled: ScheduledMessages,
    private readonly clock: Clock,
  ) {}

  /**
   * Asks the contacts service for the recipients, at most `MOST_RECIPIENTS`, and identity for the sender's teams. Must be
   * called before the transaction.
   * @throws Problem `validation`, `forbidden`, `unknown-reference`, `no-assigned-contacts`
   */
  async prepare(
    principal: Principal,
    message: Addressed & Pick<NewMessage, 'sendAsAssignedUser'>,
  ): Promise<PreparedMessage> {
    const { accountId, userId } = principal;
    const { contactIds, segmentId, onlyMyContacts, sendAsAssignedUser } = message;
    if (sendAsAssignedUser && !isManager(principal)) {
      throw new Problem('forbidden', { detail: 'Only owners and admins can send as the assigned user.' });
    }
    if (!contactIds === !segmentId) throw misaddressed('contactIds', 'Name either contactIds or a segmentId');
    const assignee = onlyMyContacts ? userId : undefined;
    const [to, teamIds] = await Promise.all([
      this.recipients.all({ accountId, contactIds, segmentId, assignee }),
      this.directory.currentTeamsOf(accountId, userId),
    ]);
    return { to, teamIds };
  }

  /**
   * @param prepared the result of `prepare`
   * @throws Problem `forbidden`, `unknown-reference`, `inactive-user`
   */
  async compose(principal: Principal, message: NewMessage, prepared: PreparedMessage): Promise<Composed> {
    const { letter, inbox } = await this.address(principal, message, prepared);
    const { to } = prepared;
    const share = { inbox, to };
    const shares = message.sendAsAssignedUser ? await this.byAssignee(share) : [share];
    const at = message.at ? new Date(message.at) : this.clock.now();
    const later = at > this.clock.now();
    const composed: Composed = { sent: [], scheduled: [], total: to.length };
    for (const one of shares.filter((some) => some.to.length > 0)) {
      if (later) composed.scheduled.push(await this.scheduled.schedule(one.inbox, letter, one.to, at));
      else composed.sent.push(...(await this.outgoing.queue(one.inbox, letter, one.to)));
    }
    return composed;
  }

  /**
   * Schedules a message. If its time is in the past, it is sent as soon as possible.
   * @param prepared the result of `prepare`
   * @throws Problem as `compose` does
   */
  async schedule(
    principal: Principal,
    message: NewScheduledMessage,
    prepared: PreparedMessage,
  ): Promise<ScheduledMessageRow> {
    const { letter, inbox } = await this.address(principal, message, prepared);
    return this.scheduled.schedule(inbox, letter, prepared.to, new Date(message.at));
  }

  private async address(
    principal: Principal,
    { inboxId, text }: Addressed,
    { teamIds }: PreparedMessage,
  ): Promise<{ inbox: SendingInbox; letter: Letter }> {
    const inbox = await this.inboxOf(principal, inboxId);
    return { inbox, letter: { text, sentBy: principal.userId, teamIds } };
  }

  /** Returns the inbox to send from. Locks the caller and the owner against leaving until the transaction ends. */
  private async inboxOf(principal: Principal, inboxId: string | undefined): Promise<SendingInbox> {
    const { accountId, userId } = principal;
    if (!inboxId) {
      await this.directory.requireActive(accountId, [userId]);
      return this.inboxes.personal(accountId, userId);
    }
    const inbox = await this.inboxes.named(accountId, inboxId);
    await this.access.assertMayWrite(principal, inbox);
    await this.access.hold(principal, inbox.ownerId, [userId]);
    return inbox;
  }

  /** Splits the recipients by active assignee, each with the assignee's inbox. The others keep the given inbox. */
  private async byAssignee({ inbox: named, to }: Share): Promise<Share[]> {
    const { accountId } = named;
    const groups = Map.groupBy(to, ({ assigneeId }) => assigneeId);
    const assignees = [...groups.keys()].filter((id) => id !== null).sort();
    const left = new Set<string>();
    for (const id of assignees) if (await this.directory.lockAndCheckLeft(accountId, id)) left.add(id);
    const active = assignees.filter((id) => !left.has(id));
    const shares: Share[] = [];
    for (const id of active) {
      shares.push({ inbox: await this.inboxes.personal(accountId, id), to: groups.get(id)! });
    }
    const others = to.filter(({ assigneeId }) => !assigneeId || left.has(assigneeId));
    return [...shares, { inbox: named, to: others }];
  }
}
