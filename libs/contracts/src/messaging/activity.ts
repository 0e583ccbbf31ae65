import { GATEWAY } from '../callers.js';
import { Id, ListOf, Moment, Nested, Num, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { NoBody, operation, UserView } from '../operation.js';
import { MANAGERS } from '../principal.js';

const service = 'messaging';
const path = '/v1/reports/message-activity';

export class ActivityQuery {
  @Moment({ optional: true, about: 'Messages sent at or after this time.' }) from?: string;
  @Moment({ optional: true, about: 'Messages sent before this time.' }) to?: string;
  @Id({ optional: true, about: 'Messages of users who were in this team when they sent them.' }) teamId?: string;
}

export class UserActivity {
  @Nested(() => UserView) user: UserView;
  @Whole() sent: number;
  @Whole() delivered: number;
  @Whole({ about: 'Messages that were answered.' }) replied: number;
}

/** The most users in the breakdown. */
export const MOST_USERS_SHOWN = 1_000;

export class MessageActivity {
  @Whole() sent: number;
  @Whole() delivered: number;
  @Whole({ about: 'Messages that were answered.' }) replied: number;
  @Num({ about: 'Share of the sent messages that were delivered; 0 if none was sent.' }) deliveryRate: number;
  @Num({ about: 'Share of the sent messages that were answered; 0 if none was sent.' }) replyRate: number;
  @ListOf(() => UserActivity, {
    max: MOST_USERS_SHOWN,
    about: 'The senders, most messages first. Deleted users are not listed, but their messages are counted above.',
  })
  users: UserActivity[];
}

export const messageActivity = operation<MessageActivity, NoBody, ActivityQuery>({
  id: 'message-activity.report',
  service,
  method: 'GET',
  path,
  summary: 'Report how many messages were sent, delivered and answered',
  access: MANAGERS,
  query: ActivityQuery,
  answer: MessageActivity,
});

/** The gateway builds the file from `activityLines`. */
export const messageActivityExport = operation<undefined, NoBody, ActivityQuery>({
  id: 'message-activity.export',
  service,
  method: 'GET',
  path: `${path}/export`,
  summary: 'Export all sent messages as CSV, including those of deleted users',
  access: MANAGERS,
  query: ActivityQuery,
  status: 200,
  custom: true,
  produces: 'text/csv',
});

/** The next lines of the export with their line breaks. The header line comes with the first ones. */
export const activityLines: Ask<
  { accountId: string; filter: ActivityQuery; after: string | null },
  { lines: string; next: string | null }
> = { service, subject: 'rpc.messaging.activity.lines', timeout: 30_000, calledBy: [GATEWAY] };
