import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'messaging';

export const LIVE_CHAT_STATUSES = ['queued', 'open', 'closed'] as const;
export type LiveChatStatus = (typeof LIVE_CHAT_STATUSES)[number];

export class NewLiveChat {
  @Text({ about: 'How the visitor is called.' }) visitor: string;
  @Id({ optional: true, about: 'Without an operator the chat waits in the queue.' }) operatorId?: string;
  @OneOf(LIVE_CHAT_STATUSES, {
    optional: true,
    about: '`open` with an operator, `queued` without, unless it is closed already.',
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
