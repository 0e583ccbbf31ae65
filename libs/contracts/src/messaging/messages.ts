import { Flag, Id, ListOf, Moment, Nested, OneOf, PersonFilter, Phone, Text, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { Addressed, MESSAGE_LENGTH, ScheduledMessage } from './scheduled-messages.js';

const service = 'messaging';
const path = '/v1/messages';

/** `queued` for the carrier, `sent` when the carrier has it, then `delivered` or `failed`; `received` from a contact. */
export const MESSAGE_STATUSES = ['queued', 'sent', 'delivered', 'failed', 'received'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];
export const MESSAGE_DIRECTIONS = ['outbound', 'inbound'] as const;
export type MessageDirection = (typeof MESSAGE_DIRECTIONS)[number];

export class NewMessage extends Addressed {
  @Flag({
    optional: true,
    about:
      'To each contact from the personal inbox of whoever the contact is assigned to; contacts of nobody, or of somebody ' +
      'who has left, get it from the inbox named. For owners and admins.',
  })
  sendAsAssignedUser?: boolean;

  @Moment({ optional: true, about: 'A time to come: the message is scheduled. Sent at once unless given.' })
  at?: string;
}

export class Message {
  @Id() id: string;
  @Id() inboxId: string;
  @Id() conversationId: string;
  @Id() contactId: string;
  @OneOf(MESSAGE_DIRECTIONS) direction: MessageDirection;
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @OneOf(MESSAGE_STATUSES) status: MessageStatus;
  @Nested(() => UserView, { nullable: true, about: 'Null for what a contact has written.' }) sentBy: UserView | null;
  @Moment() createdAt: string;
}

/** How many of a composition's messages its answer shows. */
export const MOST_SHOWN = 100;

export class ComposedMessages {
  @Whole({ about: 'How many contacts it goes to.' }) total: number;
  @ListOf(() => Message, { max: MOST_SHOWN, about: 'Those that are on their way now, the first 100.' })
  items: Message[];
  @ListOf(() => ScheduledMessage, { max: MOST_SHOWN, about: 'One for each inbox that it will be sent from.' })
  scheduled: ScheduledMessage[];
}

export class MessageQuery extends ListQuery {
  @Id({ optional: true }) inboxId?: string;
  @Id({ optional: true }) conversationId?: string;
  @Id({ optional: true }) contactId?: string;
  @PersonFilter('Id of the sender, `me`, or `none` for what contacts have written.') sentBy?: string;
  @OneOf(MESSAGE_STATUSES, { optional: true }) status?: MessageStatus;
}

export const messageCompose = operation<ComposedMessages, NewMessage>({
  id: 'messages.create',
  service,
  method: 'POST',
  path,
  summary: 'Send a message to contacts, now or later',
  body: NewMessage,
  answer: ComposedMessages,
  location: path,
  errors: ['forbidden', 'unknown-reference', 'inactive-user', 'no-assigned-contacts', 'service-unavailable'],
});

export const messageList = operation<Page<Message>, NoBody, MessageQuery>({
  id: 'messages.list',
  service,
  method: 'GET',
  path,
  summary: 'List messages',
  query: MessageQuery,
  answer: pageOf(Message),
});

export const messageGet = operation<Message>({
  id: 'messages.get',
  service,
  method: 'GET',
  path: `${path}/:id`,
  summary: 'Read a message',
  answer: Message,
  errors: ['not-found'],
});

export const messageRemove = operation({
  id: 'messages.remove',
  service,
  method: 'DELETE',
  path: `${path}/:id`,
  summary: 'Remove a message; one that the carrier does not have yet is not sent',
  errors: ['not-found'],
});

export class InboundMessage {
  @Phone({ optional: true, about: 'The number written to; it is routed as telephony says.' }) to?: string;
  @Id({ optional: true, about: 'Instead of `to`: the inbox it belongs into.' }) inboxId?: string;
  @Id() contactId: string;
  @Text({ max: MESSAGE_LENGTH }) text: string;
}

/** A closed conversation is open again. Somebody who has left gets no new conversations, but the old ones go on. */
export const messageInbound = operation<Message, InboundMessage>({
  id: 'messages.inbound',
  service,
  method: 'POST',
  path: `${path}/inbound`,
  summary: 'Take in what a contact has written',
  body: InboundMessage,
  answer: Message,
  location: `${path}/:id`,
  errors: ['not-found', 'conflict', 'unknown-reference', 'inactive-user'],
});

export class DeliveryReport {
  @OneOf(['delivered', 'failed']) status: 'delivered' | 'failed';
}

/** For carriers that know only later. What has been delivered stays so. */
export const messageDelivery = operation<Message, DeliveryReport>({
  id: 'messages.delivery',
  service,
  method: 'POST',
  path: `${path}/:id/delivery`,
  summary: 'Report what became of a message that the carrier has',
  body: DeliveryReport,
  answer: Message,
  status: 200,
  access: MANAGERS,
  errors: ['not-found', 'conflict'],
});

export interface Recipient {
  id: string;
  phone: string | null;
  assigneeId: string | null;
}

/** Exactly one of `contactIds`, `segmentId` and `definition` (of a segment) says whom. */
export interface RecipientsWanted {
  accountId: string;
  contactIds?: string[];
  segmentId?: string;
  definition?: Record<string, unknown>;
  /** Only those assigned to this user. */
  assignee?: string;
  /** Behind this contact. */
  after?: string | null;
  limit: number;
}

/**
 * Whom a message goes to, by id in ascending order, and what the segment says at this moment.
 * @throws Problem `unknown-reference` for a segment that does not exist; contacts that do not exist are left out
 */
export const contactsFor: Ask<
  RecipientsWanted,
  { contacts: Recipient[]; next: string | null; definition: Record<string, unknown> | null }
> = { service: 'contacts', subject: 'rpc.contacts.recipients', timeout: 10_000 };
