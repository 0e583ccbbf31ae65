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
import { Directory } from '#libs/database';
import { misaddressed } from './recipients.js';
import { SendingInboxes, type SendingInbox } from './sending-inboxes.js';

/** Finds the inbox that a contact's message goes to. */
@Injectable()
export class InboundRouting {
  constructor(
    private readonly services: ServiceClient,
    private readonly directory: Directory,
    private readonly inboxes: SendingInboxes,
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
  ): Promise<RoutedCall | undefined> {
    if (!to === !inboxId) throw misaddressed('inboxId', 'Name either the inbox or the number written to');
    if (!to) return undefined;
    const keyed = idempotency && { ...idempotency, key: `${messageInbound.id} ${idempotency.key}` };
    return this.services.call(callInbound, { principal, idempotency: keyed, body: { to, contactId } });
  }

  /**
   * @param route telephony's answer, if the message names a number
   * @throws Problem `unknown-reference`, `conflict`, `inactive-user`
   */
  async inboxOf(
    accountId: string,
    { inboxId: named }: InboundMessage,
    route: RoutedCall | undefined,
  ): Promise<SendingInbox> {
    if (!route) return this.inboxes.named(accountId, named!);
    const { user, inboxId } = route;
    const shared = inboxId && (await this.inboxes.find(accountId, inboxId));
    if (shared) return shared;
    if (!user)
      throw new Problem('conflict', { detail: 'This number is not routed to a user or an inbox. Name an inbox.' });
    await this.directory.requireActive(accountId, [user.id]);
    return this.inboxes.personal(accountId, user.id);
  }
}
