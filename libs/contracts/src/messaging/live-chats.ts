import { Flag, Id, Moment, Nested, OneOf, PersonFilter, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, resource, UserView, type Page } from '../operation.js';

const service = 'messaging';

export const LIVE_CHAT_STATUSES = ['queued', 'open', 'closed'] as const;
export type LiveChatStatus = (typeof LIVE_CHAT_STATUSES)[number];

export class NewLiveChat {
  @Text({ about: 'How the visitor is called.' }) visitor: string;
  @Id({
    optional: true,
    about:
      'Unless given, the chat goes to the available operator with the fewest open chats, and waits in the queue when ' +
      'there is none.',
  })
  operatorId?: string;
  @OneOf(LIVE_CHAT_STATUSES, {
    optional: true,
    about: '`open` with an operator, `queued` without one to begin with, unless it is closed already.',
  })
  status?: LiveChatStatus;
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
  noun: 'a live chat',
  thing: LiveChat,
  create: NewLiveChat,
  query: LiveChatQuery,
  errors: ['unknown-user', 'inactive-user'],
});

/** The caller becomes its operator. Only one of several who try at the same moment gets it. */
export const liveChatTake = operation<LiveChat>({
  id: 'live-chats.take',
  service,
  method: 'POST',
  path: '/v1/live-chats/:id/take',
  summary: 'Take a live chat that waits in the queue, or whose operator has left',
  answer: LiveChat,
  status: 200,
  errors: ['not-found', 'conflict', 'inactive-user'],
});

export const liveChatClose = operation<LiveChat>({
  id: 'live-chats.close',
  service,
  method: 'POST',
  path: '/v1/live-chats/:id/close',
  summary: 'Close a live chat',
  answer: LiveChat,
  status: 200,
  errors: ['not-found'],
});

export class Availability {
  @Flag({ about: 'Whether new chats may come.' }) available: boolean;
  @Whole({
    min: 1,
    max: 1_000,
    optional: true,
    nullable: true,
    about:
      'With so many open chats no further one comes; chats that are taken or given by hand count, too. No limit unless given.',
  })
  maxChats?: number | null;
}

/** Somebody who answers live chats. Whoever leaves is none any more, and none again when they return until they say so. */
export class LiveChatOperator {
  @Id() userId: string;
  @Nested(() => UserView) user: UserView;
  @Flag() available: boolean;
  @Whole({ min: 1, nullable: true, about: 'Null without a limit.' }) maxChats: number | null;
  @Whole() openChats: number;
  @Moment({ nullable: true, about: 'When the last new chat came.' }) lastChatAt: string | null;
}

export class LiveChatOperatorQuery extends ListQuery {
  @Flag({ optional: true }) available?: boolean;
}

const operators = '/v1/live-chat-operators';

export const liveChatOperators = operation<Page<LiveChatOperator>, NoBody, LiveChatOperatorQuery>({
  id: 'live-chat-operators.list',
  service,
  method: 'GET',
  path: operators,
  summary: 'List who answers live chats, with their load',
  query: LiveChatOperatorQuery,
  answer: pageOf(LiveChatOperator),
});

/** Chats that wait are routed at once, the oldest first. */
export const liveChatOperatorPut = operation<LiveChatOperator, Availability>({
  id: 'live-chat-operators.put',
  service,
  method: 'PUT',
  path: `${operators}/:userId`,
  summary: 'Say whether you answer live chats; owners and admins say it for others, too',
  body: Availability,
  answer: LiveChatOperator,
  errors: ['forbidden', 'not-found', 'inactive-user'],
});

/** The open chats stay with whoever has them. */
export const liveChatOperatorRemove = operation({
  id: 'live-chat-operators.remove',
  service,
  method: 'DELETE',
  path: `${operators}/:userId`,
  summary: 'Take yourself, or as owner or admin somebody else, off the list of those who answer live chats',
  errors: ['forbidden', 'not-found'],
});
