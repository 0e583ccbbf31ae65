import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import {
  callInbound,
  messageInbound,
  Problem,
  type Call,
  type InboundMessage,
  type Principal,
  type RoutedCall,
} from '#libs/contracts';
import { AutoReplies, type AnsweredText } from '../auto-reply/auto-replies.js';
import { InboxAccess } from '../inbox/inbox-access.js';
import { misaddressed } from './recipients.js';
import { SendingInboxes, type SendingInbox } from './sending-inboxes.js';

export const ownerHasLeft = (ownerId: string) =>
  new Problem('inactive-user', { detail: 'The owner of this inbox has left.', items: [ownerId] });

/** Telephony's answer. Replicas of an earlier release do not say whose inbox gets a text, and who has left. */
export type Route = Omit<RoutedCall, 'inboxOwner' | 'leaverId'> & Partial<Pick<RoutedCall, 'inboxOwner' | 'leaverId'>>;

interface FoundInbox extends SendingInbox {
  /** Whether the owner has left and nobody takes care of it. */
  unattended: boolean;
}

/** Finds the inbox that a contact's message goes to. */
@Injectable()
export class InboundRouting {
  constructor(
    private readonly services: ServiceClient,
    private readonly access: InboxAccess,
    private readonly inboxes: SendingInboxes,
    private readonly replies: AutoReplies,
  ) {}

  /**
   * Asks telephony where the number that was written to is routed. Telephony records the request under the idempotency
   * key of the call, so that a repeated call is recorded once.
   * @returns undefined if the message names the inbox
   * @throws Problem `validation`, `not-found`
   */
  async route(
    principal: Principal,
    { to, inboxId, contactId }: InboundMessage,
    idempotency?: Call['idempotency'],
  ): Promise<Route | undefined> {
    if (!to === !inboxId) throw misaddressed('inboxId', 'Name either the inbox or the number written to');
    if (!to) return undefined;
    const keyed = idempotency && { ...idempotency, key: `${messageInbound.id} ${idempotency.key}` };
    return this.services.call(callInbound, { principal, idempotency: keyed, body: { to, contactId } });
  }

  /**
   * Contacts who write to a user who has left are answered automatically, if the account wants that, also if the message is refused.
   * @param route telephony's answer, if the message names a number
   * @throws Problem `unknown-reference`, `conflict`, `inactive-user`
   */
  async inboxOf(accountId: string, message: InboundMessage, route: Route | undefined): Promise<FoundInbox> {
    if (!route) {
      const inbox = await this.inboxes.named(accountId, message.inboxId!);
      const unattended = inbox.ownerId ? await this.access.isUnattended(accountId, inbox.ownerId) : false;
      if (unattended) this.answer(accountId, message, { leaverId: inbox.ownerId!, inboxId: inbox.id });
      return { ...inbox, unattended };
    }
    const { user, inboxOwner = user, inboxId, leaverId } = route;
    const shared = inboxId && (await this.inboxes.find(accountId, inboxId));
    if (shared) return { ...shared, unattended: false };
    if (leaverId) this.answer(accountId, message, { leaverId, number: message.to });
    if (!inboxOwner)
      throw new Problem('conflict', { detail: 'This number is not routed to a user or an inbox. Name an inbox.' });
    if (await this.access.isUnattended(accountId, inboxOwner.id)) throw ownerHasLeft(inboxOwner.id);
    return { ...(await this.inboxes.personal(accountId, inboxOwner.id)), unattended: false };
  }

  private answer(
    accountId: string,
    { contactId, automatic }: InboundMessage,
    from: Pick<AnsweredText, 'leaverId' | 'inboxId' | 'number'>,
  ): void {
    if (!automatic) this.replies.recordAfterCall({ accountId, contactId, ...from });
  }
}
