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
   * Asks the contacts service for the recipients, at most `MOST_RECIPIENTS`. Must be called before the transaction.
   * @throws Problem `validation`, `forbidden`, `unknown-reference`, `no-assigned-contacts`
   */
  recipientsOf(
    principal: Principal,
    message: Addressed & Pick<NewMessage, 'sendAsAssignedUser'>,
  ): Promise<Recipient[]> {
    const { accountId, userId } = principal;
    const { contactIds, segmentId, onlyMyContacts, sendAsAssignedUser } = message;
    if (sendAsAssignedUser && !isManager(principal)) {
      throw new Problem('forbidden', { detail: 'Only owners and admins can send as the assigned user.' });
    }
    if (!contactIds === !segmentId) throw misaddressed('contactIds', 'Name either contactIds or a segmentId');
    const assignee = onlyMyContacts ? userId : undefined;
    return this.recipients.all({ accountId, contactIds, segmentId, assignee });
  }

  /**
   * @param to the result of `recipientsOf`
   * @throws Problem `forbidden`, `unknown-reference`, `inactive-user`
   */
  async compose(principal: Principal, message: NewMessage, to: Recipient[]): Promise<Composed> {
    const { letter, inbox } = await this.address(principal, message);
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
   * @param to the result of `recipientsOf`
   * @throws Problem as `compose` does
   */
  async schedule(principal: Principal, message: NewScheduledMessage, to: Recipient[]): Promise<ScheduledMessageRow> {
    const { letter, inbox } = await this.address(principal, message);
    return this.scheduled.schedule(inbox, letter, to, new Date(message.at));
  }

  private async address(
    principal: Principal,
    { inboxId, text }: Addressed,
  ): Promise<{ inbox: SendingInbox; letter: Letter }> {
    const inbox = await this.inboxOf(principal, inboxId);
    const { userId } = principal;
    return { inbox, letter: { text, sentBy: userId, teamIds: await this.directory.teamsOf(userId) } };
  }

  /** Returns the inbox to send from. Locks the caller and the owner against leaving until the transaction ends. */
  private async inboxOf(principal: Principal, inboxId: string | undefined): Promise<SendingInbox> {
    const { accountId, userId } = principal;
    if (!inboxId) {
      await this.directory.requireActive(accountId, [userId]);
      return this.inboxes.personal(accountId, userId);
    }
    const inbox = await this.inboxes.named(accountId, inboxId);
    await this.access.assertMaySend(principal, inbox.ownerId);
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
