import { always, can, cancel, deleteRows, hold, keep, ofAccount, owned, rule } from '#libs/lifecycle';
import { sql } from 'kysely';
import { ActivityEntry } from '../activity/activity.entity.js';
import { Campaign } from '../campaign/campaign.entity.js';
import { Conversation } from '../conversation/conversation.entity.js';
import { Message } from '../message/message.entity.js';
import { ScheduledMessage } from '../scheduled-message/scheduled-message.entity.js';
import { shown } from './shown.js';

/** Only personal inboxes have an owner. */
const inOwnInbox = sql`exists (select 1 from message_inbox i where i.id = t.inbox_id and i.owner_id = l.user_id)`;
const fromPersonalInbox = sql`exists (select 1 from message_inbox i where i.id = t.inbox_id and i.kind = 'personal')`;
const fromSharedInbox = sql`exists (select 1 from message_inbox i where i.id = t.inbox_id and i.kind = 'shared')`;

const pending = { status: ['scheduled', 'held'] } as const;
// A message that was due while its owner was deactivated is not restored.
const ifNotDue = { returnsIf: (now: Date) => sql`t.at > ${now}` };
const onHold = hold({ status: 'held' }, ifNotDue);
const cancelled = cancel({ status: 'cancelled' }, ifNotDue);

/**
 * Threads in the leaver's personal inbox. What an admin has sent as the assigned user is in that user's inbox and stays
 * when the admin leaves. Messages come first: deleting the conversations would delete them without counting them.
 */
export const personalThreads = rule('messaging.personal-threads', 'Conversations and messages in the personal inbox', {
  rows: [
    ofAccount(Message, {}, inOwnInbox, { part: 'messages', shown: shown.personalMessage }),
    ofAccount(Conversation, {}, inOwnInbox, { part: 'conversations', shown: shown.personalConversation }),
  ],
  deactivated: can(keep, deleteRows),
  deleted: can(keep, deleteRows),
  presets: { texting: { deleted: deleteRows } },
});

/** By default nothing is sent from a leaver's number. Held messages are sent if their owner is reactivated in time. */
export const personalScheduledMessages = rule(
  'messaging.scheduled-messages',
  'Scheduled messages from the personal number',
  {
    rows: owned(ScheduledMessage, 'ownerId', pending, { match: fromPersonalInbox, shown: shown.scheduledMessage }),
    deactivated: can(onHold, keep, cancelled),
    deleted: can(cancelled, keep, onHold),
  },
);

/** Shared inboxes do not depend on the leaver, so scheduled messages from them are sent. */
export const sharedScheduledMessages = rule(
  'messaging.shared-scheduled-messages',
  'Scheduled messages from shared inboxes',
  {
    rows: owned(ScheduledMessage, 'ownerId', pending, { match: fromSharedInbox, shown: shown.scheduledMessage }),
    deactivated: always(keep),
    deleted: always(keep),
  },
);

/** Campaigns belong to the account: everyone can still use them, and scheduled ones are sent. */
export const campaigns = rule('messaging.campaigns', 'Campaigns', {
  rows: owned(Campaign, 'ownerId', {}, { shown: shown.campaign }),
  deactivated: always(keep),
  deleted: always(keep),
});

/** Reports do not change when a user leaves. */
export const activity = rule('messaging.activity', 'Sent, delivered and answered messages in the reports', {
  rows: owned(ActivityEntry, 'userId', {}, { shown: shown.activity }),
  deactivated: always(keep),
  deleted: always(keep),
});
