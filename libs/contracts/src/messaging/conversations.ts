import { Id, Moment, Nested, OneOf, PersonFilter, Whole } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'messaging';

export const CONVERSATION_STATUSES = ['open', 'snoozed', 'closed'] as const;
export type ConversationStatus = (typeof CONVERSATION_STATUSES)[number];

export class NewConversation {
  @Id({ about: 'Taken as it is: contacts belong to another service.' }) contactId: string;
  @Id() inboxId: string;
  @Id({ optional: true, nullable: true, about: 'Nobody unless given.' }) assignee?: string | null;
  @OneOf(CONVERSATION_STATUSES, { optional: true, about: '`open` unless given.' }) status?: ConversationStatus;
}

export class Conversation {
  @Id() id: string;
  @Id() contactId: string;
  @Id() inboxId: string;
  @Nested(() => UserView, { nullable: true }) assignee: UserView | null;
  @OneOf(CONVERSATION_STATUSES) status: ConversationStatus;
  @Moment() createdAt: string;
}

export class ConversationQuery extends ListQuery {
  @PersonFilter('Id of the assignee, `me`, or `none`.') assignee?: string;
  @PersonFilter('The same as `assignee`.') assigneeId?: string;
  @OneOf(CONVERSATION_STATUSES, { optional: true }) status?: ConversationStatus;
  @Id({ optional: true }) inboxId?: string;
  @Id({ optional: true }) contactId?: string;
}

export const conversations = resource({
  service,
  path: '/v1/conversations',
  noun: 'a conversation',
  thing: Conversation,
  create: NewConversation,
  query: ConversationQuery,
  errors: ['unknown-reference', 'unknown-user', 'inactive-user'],
});

export class ConversationChanges {
  @OneOf(CONVERSATION_STATUSES, {
    optional: true,
    about: 'A closed one whose assignee has left is reopened unassigned.',
  })
  status?: ConversationStatus;

  @Id({ optional: true, nullable: true, about: 'Null assigns it to nobody.' }) assignee?: string | null;
}

export const conversationUpdate = operation<Conversation, ConversationChanges>({
  id: 'conversations.update',
  service,
  method: 'PATCH',
  path: '/v1/conversations/:id',
  summary: 'Change the status or the assignee of a conversation',
  body: ConversationChanges,
  answer: Conversation,
  errors: ['not-found', 'unknown-user', 'inactive-user', 'conflict'],
});

export class ReassignFilter {
  @Id({ nullable: true, about: 'Whose conversations; null for those of nobody.' }) assigneeId: string | null;

  @OneOf(CONVERSATION_STATUSES, { optional: true, about: 'Open and snoozed ones unless given.' })
  status?: ConversationStatus;
}

export class BulkReassignment {
  @Nested(() => ReassignFilter) filter: ReassignFilter;
  @Id({ nullable: true, about: 'The new assignee; null for nobody.' }) to: string | null;
}

export class Reassigned {
  @Whole({ about: 'How many conversations have changed hands.' }) reassigned: number;
}

/** For managers, and for whoever hands over conversations of their own. */
export const bulkReassign = operation<Reassigned, BulkReassignment>({
  id: 'conversations.bulk-reassign',
  service,
  method: 'POST',
  path: '/v1/conversations/bulk-reassign',
  summary: 'Give all conversations of somebody to somebody else',
  body: BulkReassignment,
  answer: Reassigned,
  status: 200,
  errors: ['forbidden', 'unknown-user', 'inactive-user'],
});
