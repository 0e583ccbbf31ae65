import { Id, ListOf, Moment, Nested, Num, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { NoBody, operation, UserView } from '../operation.js';
import { MANAGERS } from '../principal.js';

const service = 'messaging';
const path = '/v1/reports/message-activity';

export class ActivityQuery {
  @Moment({ optional: true, about: 'Messages sent at or after this time.' }) from?: string;
  @Moment({ optional: true, about: 'Messages sent before this time.' }) to?: string;
  @Id({ optional: true, about: 'Messages of people who were in this team when they wrote them.' }) teamId?: string;
}

export class UserActivity {
  @Nested(() => UserView) user: UserView;
  @Whole() sent: number;
  @Whole() delivered: number;
  @Whole({ about: 'Messages that were answered.' }) replied: number;
}

/** How many people the breakdown names. */
export const MOST_USERS_SHOWN = 1_000;

export class MessageActivity {
  @Whole() sent: number;
  @Whole() delivered: number;
  @Whole({ about: 'Messages that were answered.' }) replied: number;
  @Num({ about: 'Share of the sent messages that were delivered; 0 when none was sent.' }) deliveryRate: number;
  @Num({ about: 'Share of the sent messages that were answered; 0 when none was sent.' }) replyRate: number;
  @ListOf(() => UserActivity, {
    max: MOST_USERS_SHOWN,
    about: 'Who sent them, the busiest first. Deleted users are not listed; what they sent counts above.',
  })
  users: UserActivity[];
}

export const messageActivity = operation<MessageActivity, NoBody, ActivityQuery>({
  id: 'message-activity.report',
  service,
  method: 'GET',
  path,
  summary: 'How many messages were sent, delivered and answered',
  access: MANAGERS,
  query: ActivityQuery,
  answer: MessageActivity,
});

/** The gateway makes the file out of `activityLines`. */
export const messageActivityExport = operation<undefined, NoBody, ActivityQuery>({
  id: 'message-activity.export',
  service,
  method: 'GET',
  path: `${path}/export`,
  summary: 'Every message that was sent, as CSV, those of deleted users among them',
  access: MANAGERS,
  query: ActivityQuery,
  status: 200,
  custom: true,
  produces: 'text/csv',
});

/** The next lines of the export, complete with line breaks; the heading comes with the first ones. */
export const activityLines: Ask<
  { accountId: string; filter: ActivityQuery; after: string | null },
  { lines: string; next: string | null }
> = { service, subject: 'rpc.messaging.activity.lines', timeout: 30_000 };
