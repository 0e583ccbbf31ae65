import { Flag, Id, ListOf, Moment, Nested, OneOf, PersonFilter, Phone, Text, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { Addressed, MESSAGE_LENGTH, ScheduledMessage } from './scheduled-messages.js';

const service = 'messaging';
const path = '/v1/messages';

/** `queued` until the carrier has it, then `sent`, finally `delivered` or `failed`. `received`: from a contact. */
export const MESSAGE_STATUSES = ['queued', 'sent', 'delivered', 'failed', 'received'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];
export const MESSAGE_DIRECTIONS = ['outbound', 'inbound'] as const;
export type MessageDirection = (typeof MESSAGE_DIRECTIONS)[number];

export class NewMessage extends Addressed {
  @Flag({
    optional: true,
    about:
      'Send it to each contact from the personal inbox of the contact’s assignee. Contacts that are unassigned or whose ' +
      'assignee has left get it from the given inbox. For owners and admins.',
  })
  sendAsAssignedUser?: boolean;

  @Moment({ optional: true, about: 'A time in the future at which the message is sent. Default: now.' })
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
  @Nested(() => UserView, { nullable: true, about: 'Null for messages from a contact.' }) sentBy: UserView | null;
  @Moment() createdAt: string;
}

/** The most messages in an answer. */
export const MOST_SHOWN = 100;

export class ComposedMessages {
  @Whole({ about: 'The number of recipients.' }) total: number;
  @ListOf(() => Message, { max: MOST_SHOWN, about: 'The first 100 messages that are sent now.' })
  items: Message[];
  @ListOf(() => ScheduledMessage, { max: MOST_SHOWN, about: 'One for each inbox that will send the message.' })
  scheduled: ScheduledMessage[];
}

export class MessageQuery extends ListQuery {
  @Id({ optional: true }) inboxId?: string;
  @Id({ optional: true }) conversationId?: string;
  @Id({ optional: true }) contactId?: string;
  @PersonFilter('Id of the sender, `me`, or `none` for messages from contacts.') sentBy?: string;
  @OneOf(MESSAGE_STATUSES, { optional: true }) status?: MessageStatus;
}

export const messageCompose = operation<ComposedMessages, NewMessage>({
  id: 'messages.create',
  service,
  method: 'POST',
  access: 'record-owner-or-manager',
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
  access: 'signed-in',
  path,
  summary: 'List messages',
  query: MessageQuery,
  answer: pageOf(Message),
});

export const messageGet = operation<Message>({
  id: 'messages.get',
  service,
  method: 'GET',
  access: 'record-owner-or-manager',
  path: `${path}/:id`,
  summary: 'Read a message',
  answer: Message,
  errors: ['not-found'],
});

export const messageRemove = operation({
  id: 'messages.remove',
  service,
  method: 'DELETE',
  access: 'record-owner-or-manager',
  path: `${path}/:id`,
  summary: 'Remove a message; a queued message is not sent',
  errors: ['not-found'],
});

export class InboundMessage {
  @Phone({ optional: true, about: 'The number that the message was sent to. Telephony routes it.' }) to?: string;
  @Id({ optional: true, about: 'Instead of `to`: the inbox that gets the message.' }) inboxId?: string;
  @Id() contactId: string;
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @Flag({ optional: true, about: 'Whether a machine has sent it. It then gets no automatic answer.' })
  automatic?: boolean;
}

/**
 * For the carrier’s connector, with a manager's API token, as delivery reports. Reopens a closed conversation. Users who have
 * left get no new conversations; their existing ones go on.
 */
export const messageInbound = operation<Message, InboundMessage>({
  id: 'messages.inbound',
  service,
  method: 'POST',
  access: MANAGERS,
  path: `${path}/inbound`,
  summary: 'Receive a message from a contact',
  body: InboundMessage,
  answer: Message,
  location: `${path}/:id`,
  errors: ['not-found', 'conflict', 'unknown-reference', 'inactive-user'],
});

export class DeliveryReport {
  @OneOf(['delivered', 'failed']) status: 'delivered' | 'failed';
}

/** For carriers that report later. A message that is `delivered` stays `delivered`. */
export const messageDelivery = operation<Message, DeliveryReport>({
  id: 'messages.delivery',
  service,
  method: 'POST',
  path: `${path}/:id/delivery`,
  summary: 'Report the delivery of a message',
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

/** Exactly one of `contactIds`, `segmentId` and `definition` (of a segment) is set. */
export interface RecipientsWanted {
  accountId: string;
  contactIds?: string[];
  segmentId?: string;
  definition?: Record<string, unknown>;
  /** Only contacts that are assigned to this user. */
  assignee?: string;
  /** The last contact of the page before. */
  after?: string | null;
  limit: number;
}

/**
 * The recipients of a message by ascending id, and the current definition of the segment. Contacts that do not exist are
 * left out.
 * @throws Problem `unknown-reference` for a segment that does not exist
 */
export const contactsFor: Ask<
  RecipientsWanted,
  { contacts: Recipient[]; next: string | null; definition: Record<string, unknown> | null }
> = { service: 'contacts', subject: 'rpc.contacts.recipients', timeout: 10_000, calledBy: [service] };
