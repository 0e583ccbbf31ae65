import { always, can, cancel, deleteRows, hold, keep, ofAccount, owned, rule } from '#libs/lifecycle';
import { sql } from 'kysely';
import { ActivityEntry } from '../activity/activity.entity.js';
import { Campaign } from '../campaign/campaign.entity.js';
import { Conversation } from '../conversation/conversation.entity.js';
import { Message } from '../message/message.entity.js';
import { ScheduledMessage } from '../scheduled-message/scheduled-message.entity.js';

/** Only personal inboxes have an owner. */
const inOwnInbox = sql`exists (select 1 from message_inbox i where i.id = t.inbox_id and i.owner_id = l.user_id)`;
const fromPersonalInbox = sql`exists (select 1 from message_inbox i where i.id = t.inbox_id and i.kind = 'personal')`;
const fromSharedInbox = sql`exists (select 1 from message_inbox i where i.id = t.inbox_id and i.kind = 'shared')`;

const toCome = { status: ['scheduled', 'held'] } as const;
// What should have been sent while its owner was away is not sent any more.
const inTime = { returnsIf: (now: Date) => sql`t.at > ${now}` };
const onHold = hold({ status: 'held' }, inTime);
const calledOff = cancel({ status: 'cancelled' }, inTime);

/**
 * What was said in the leaver's own inbox. What an admin has sent as somebody else is in that person's inbox, and stays
 * when the admin goes. Messages come first: they would go along with their conversations, uncounted.
 */
export const personalThreads = rule('messaging.personal-threads', 'Conversations and messages in the personal inbox', {
  rows: [
    { ...ofAccount(Message, {}, inOwnInbox), part: 'messages' },
    { ...ofAccount(Conversation, {}, inOwnInbox), part: 'conversations' },
  ],
  deactivated: can(keep, deleteRows),
  deleted: can(keep, deleteRows),
  presets: { texting: { deleted: deleteRows } },
});

/** Nobody writes from the number of somebody who is away; held messages go out if their owner is back in time. */
export const personalScheduledMessages = rule(
  'messaging.scheduled-messages',
  'Scheduled messages from the personal number',
  {
    rows: owned(ScheduledMessage, 'ownerId', toCome, { match: fromPersonalInbox }),
    deactivated: can(onHold, keep, calledOff),
    deleted: can(calledOff, keep, onHold),
  },
);

/** A shared inbox goes on without the leaver: what was scheduled from there is sent on schedule. */
export const sharedScheduledMessages = rule(
  'messaging.shared-scheduled-messages',
  'Scheduled messages from shared inboxes',
  {
    rows: owned(ScheduledMessage, 'ownerId', toCome, { match: fromSharedInbox }),
    deactivated: always(keep),
    deleted: always(keep),
  },
);

/** Campaigns are the account's: everybody can use them, and scheduled ones are sent on schedule. */
export const campaigns = rule('messaging.campaigns', 'Campaigns', {
  rows: owned(Campaign, 'ownerId'),
  deactivated: always(keep),
  deleted: always(keep),
});

/** What was sent was sent: the team's numbers do not change because somebody goes. */
export const activity = rule('messaging.activity', 'Sent, delivered and answered messages in the reports', {
  rows: owned(ActivityEntry, 'userId'),
  deactivated: always(keep),
  deleted: always(keep),
});
