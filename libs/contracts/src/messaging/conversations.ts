import { Id, Moment, Nested, OneOf, PersonFilter, Whole } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'messaging';

export const CONVERSATION_STATUSES = ['open', 'snoozed', 'closed'] as const;
export type ConversationStatus = (typeof CONVERSATION_STATUSES)[number];

export class NewConversation {
  @Id({ about: 'Not checked: contacts belong to another service.' }) contactId: string;
  @Id() inboxId: string;
  @Id({ optional: true, nullable: true, about: 'Default: unassigned.' }) assignee?: string | null;
  @OneOf(CONVERSATION_STATUSES, { optional: true, about: 'Default: `open`.' }) status?: ConversationStatus;
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
  access: {
    create: 'record-owner-or-manager',
    list: 'signed-in',
    get: 'record-owner-or-manager',
    remove: 'record-owner-or-manager',
  },
  noun: 'a conversation',
  plural: 'conversations',
  thing: Conversation,
  create: NewConversation,
  query: ConversationQuery,
  errors: ['unknown-reference', 'unknown-user', 'inactive-user'],
});

export class ConversationChanges {
  @OneOf(CONVERSATION_STATUSES, {
    optional: true,
    about: 'A closed conversation whose assignee has left is unassigned when it is reopened.',
  })
  status?: ConversationStatus;

  @Id({ optional: true, nullable: true, about: 'Null unassigns it.' }) assignee?: string | null;
}

export const conversationUpdate = operation<Conversation, ConversationChanges>({
  id: 'conversations.update',
  service,
  method: 'PATCH',
  access: 'record-owner-or-manager',
  path: '/v1/conversations/:id',
  summary: 'Change the status or the assignee of a conversation',
  body: ConversationChanges,
  answer: Conversation,
  errors: ['not-found', 'unknown-user', 'inactive-user', 'conflict'],
});

export class ReassignFilter {
  @Id({ nullable: true, about: 'The current assignee. Null for unassigned conversations.' }) assigneeId: string | null;

  @OneOf(CONVERSATION_STATUSES, { optional: true, about: 'Default: open and snoozed conversations.' })
  status?: ConversationStatus;
}

export class BulkReassignment {
  @Nested(() => ReassignFilter) filter: ReassignFilter;
  @Id({ nullable: true, about: 'The new assignee. Null unassigns them.' }) to: string | null;
}

export class Reassigned {
  @Whole({ about: 'The number of reassigned conversations.' }) reassigned: number;
}

/** For owners and admins, and for users who hand over their own conversations. */
export const bulkReassign = operation<Reassigned, BulkReassignment>({
  id: 'conversations.bulk-reassign',
  service,
  method: 'POST',
  access: 'record-owner-or-manager',
  path: '/v1/conversations/bulk-reassign',
  summary: 'Reassign all conversations of a user to another user',
  body: BulkReassignment,
  answer: Reassigned,
  status: 200,
  errors: ['forbidden', 'unknown-user', 'inactive-user'],
});
