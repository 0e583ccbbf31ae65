import { Flag, Id, Moment, Nested, OneOf, PersonFilter, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, OWNED, pageOf, resource, UserView, type Page } from '../operation.js';

const service = 'messaging';

export const LIVE_CHAT_STATUSES = ['queued', 'open', 'closed'] as const;
export type LiveChatStatus = (typeof LIVE_CHAT_STATUSES)[number];

export class NewLiveChat {
  @Text({ about: 'The name of the visitor.' }) visitor: string;
  @Id({
    optional: true,
    about:
      'The user who answers the chat. Default: the available agent with the fewest open chats; without one, the chat ' +
      'waits in the queue.',
  })
  operatorId?: string;
  @OneOf(LIVE_CHAT_STATUSES, {
    optional: true,
    about: 'Default: `open` with an operator, `queued` without one.',
  })
  status?: LiveChatStatus;
}

export class LiveChatChanges {
  @Text({ optional: true, about: 'The name of the visitor.' }) visitor?: string;
  @Id({
    optional: true,
    about: 'Hands it over to this user, who answers it from now on; for its operator, and owners and admins.',
  })
  operatorId?: string;
}

export class LiveChat {
  @Id() id: string;
  @Text() visitor: string;
  @Id({ nullable: true }) operatorId: string | null;
  @Nested(() => UserView, { nullable: true }) operator: UserView | null;
  @OneOf(LIVE_CHAT_STATUSES) status: LiveChatStatus;
  @Moment() createdAt: string;
}

export class LiveChatQuery extends ListQuery {
  @PersonFilter('Id of the operator, `me`, or `none`.') operatorId?: string;
  @OneOf(LIVE_CHAT_STATUSES, { optional: true }) status?: LiveChatStatus;
}

export const liveChats = resource({
  service,
  path: '/v1/live-chats',
  access: { ...OWNED, update: 'signed-in' },
  noun: 'a live chat',
  plural: 'live chats',
  thing: LiveChat,
  create: NewLiveChat,
  query: LiveChatQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: LiveChatChanges,
  updateSummary: 'Change the name of the visitor, or hand an open or queued live chat over to another operator',
  updateErrors: ['forbidden', 'conflict', 'unknown-user', 'inactive-user'],
});

/** The signed-in user becomes the operator. If several users try at the same time, only one succeeds. */
export const liveChatTake = operation<LiveChat>({
  id: 'live-chats.take',
  service,
  method: 'POST',
  access: 'signed-in',
  path: '/v1/live-chats/:id/take',
  summary: 'Take a live chat that is queued or whose operator has left',
  answer: LiveChat,
  status: 200,
  errors: ['not-found', 'conflict', 'inactive-user'],
});

export const liveChatClose = operation<LiveChat>({
  id: 'live-chats.close',
  service,
  method: 'POST',
  access: 'signed-in',
  path: '/v1/live-chats/:id/close',
  summary: 'Close a live chat',
  answer: LiveChat,
  status: 200,
  errors: ['not-found'],
});

export class Availability {
  @Flag({ about: 'Whether the user gets new chats.' }) available: boolean;
  @Whole({
    min: 1,
    max: 1_000,
    optional: true,
    nullable: true,
    about:
      'With this many open chats the user gets no new ones. Chats that were taken or assigned by hand count, too. ' +
      'Default: no limit.',
  })
  maxChats?: number | null;
}

/**
 * A user who answers live chats. Users who leave are removed from the list. After a return they have to make themselves
 * available again.
 */
export class LiveChatOperator {
  @Id() userId: string;
  @Nested(() => UserView) user: UserView;
  @Flag() available: boolean;
  @Whole({ min: 1, nullable: true, about: 'Null for no limit.' }) maxChats: number | null;
  @Whole() openChats: number;
  @Moment({ nullable: true, about: 'When the user last got a new chat.' }) lastChatAt: string | null;
}

export class LiveChatOperatorQuery extends ListQuery {
  @Flag({ optional: true }) available?: boolean;
}

const operators = '/v1/live-chat-operators';

export const liveChatOperators = operation<Page<LiveChatOperator>, NoBody, LiveChatOperatorQuery>({
  id: 'live-chat-operators.list',
  service,
  method: 'GET',
  access: 'signed-in',
  path: operators,
  summary: 'List the users who answer live chats, with their number of open chats',
  query: LiveChatOperatorQuery,
  answer: pageOf(LiveChatOperator),
});

/** Queued chats are routed at once, oldest first. */
export const liveChatOperatorPut = operation<LiveChatOperator, Availability>({
  id: 'live-chat-operators.put',
  service,
  method: 'PUT',
  access: 'record-owner-or-manager',
  path: `${operators}/:userId`,
  summary: 'Set whether a user answers live chats: yourself, or any user for owners and admins',
  body: Availability,
  answer: LiveChatOperator,
  errors: ['forbidden', 'not-found', 'inactive-user'],
});

/** Open chats stay with the user. */
export const liveChatOperatorRemove = operation({
  id: 'live-chat-operators.remove',
  service,
  method: 'DELETE',
  access: 'record-owner-or-manager',
  path: `${operators}/:userId`,
  summary: 'Remove a user from those who answer live chats: yourself, or any user for owners and admins',
  errors: ['forbidden', 'not-found'],
});
