import { Flag, Id, Ids, ListOf, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, resource, UserView, type Page } from '../operation.js';
import { Conversation } from './conversations.js';

const service = 'messaging';

export const INBOX_KINDS = ['personal', 'shared'] as const;
export type InboxKind = (typeof INBOX_KINDS)[number];

export class NewInbox {
  @OneOf(INBOX_KINDS, { about: 'A personal inbox has an owner, a shared one has members.' }) kind: InboxKind;
  @Text() name: string;
  @Ids({ optional: true, about: 'Only for a shared inbox.' }) memberIds?: string[];
  @Id({ optional: true, about: 'Only for a personal inbox. Default: the signed-in user.' }) ownerId?: string;
}

export class InboxChanges {
  @Text({ optional: true }) name?: string;
  @Ids({
    optional: true,
    min: 1,
    about:
      'Only for a shared inbox: replaces the members, of whom at least one has not left. From then on only members and ' +
      'managers see the inbox. The conversations of users who are no members any more are unassigned.',
  })
  memberIds?: string[];
}

export class Inbox {
  @Id() id: string;
  @OneOf(INBOX_KINDS) kind: InboxKind;
  @Text() name: string;
  @Ids() memberIds: string[];
  @ListOf(() => UserView) members: UserView[];
  @Id({ nullable: true }) ownerId: string | null;
  @Nested(() => UserView, { nullable: true }) owner: UserView | null;
  @Moment() createdAt: string;
}

export class InboxQuery extends ListQuery {
  @OneOf(INBOX_KINDS, { optional: true }) kind?: InboxKind;
  @PersonFilter('Id of the owner, `me`, or `none`.') ownerId?: string;
}

export const inboxes = resource({
  service,
  path: '/v1/inboxes',
  access: {
    create: 'signed-in',
    list: 'signed-in',
    get: 'record-owner-or-manager',
    remove: 'record-owner-or-manager',
    update: 'record-owner-or-manager',
  },
  noun: 'an inbox',
  plural: 'inboxes',
  thing: Inbox,
  create: NewInbox,
  query: InboxQuery,
  errors: ['unknown-user', 'inactive-user'],
  removeErrors: ['conflict'],
  update: InboxChanges,
  updateSummary: 'Rename an inbox, or change the members of a shared one, which is for owners and admins',
  updateErrors: ['forbidden', 'conflict', 'unknown-user', 'inactive-user'],
  // For the conversion of a user into a shared inbox.
  alsoListedBy: ['identity'],
});

export class InboxConversationQuery extends ListQuery {
  @Flag({
    optional: true,
    about: '“My Contacts”: only conversations with contacts that are assigned to the signed-in user.',
  })
  mine?: boolean;
}

export const inboxConversations = operation<Page<Conversation>, NoBody, InboxConversationQuery>({
  id: 'inboxes.conversations',
  service,
  method: 'GET',
  access: 'record-owner-or-manager',
  path: '/v1/inboxes/:id/conversations',
  summary: 'List the conversations of an inbox',
  query: InboxConversationQuery,
  answer: pageOf(Conversation),
  errors: ['not-found', 'service-unavailable'],
});
