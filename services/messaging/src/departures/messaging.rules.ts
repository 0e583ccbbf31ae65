import {
  always,
  can,
  keep,
  owned,
  PERSON,
  remove,
  rule,
  setting,
  transfer,
  unassign,
  type Rule,
} from '#libs/lifecycle';
import { Conversation } from '../conversation/conversation.entity.js';
import { InboxMember } from '../inbox/inbox.entity.js';
import { InternalNote } from '../internal-note/internal-note.entity.js';
import { LiveChat } from '../live-chat/live-chat.entity.js';
import {
  activity,
  campaigns,
  personalScheduledMessages,
  personalThreads,
  sharedScheduledMessages,
} from './sending.rules.js';
import { shown } from './shown.js';
import { csat, templateRules } from './templates.rules.js';

/** Unfinished conversations can get a new assignee. Closed ones are not in this rule and keep theirs. */
const conversations = rule('messaging.conversations', 'Open and snoozed conversations', {
  rows: owned(Conversation, 'assignee', { status: ['open', 'snoozed'] }, { shown: shown.conversation }),
  deactivated: can(keep, unassign, transfer),
  deleted: can(unassign, keep, transfer),
});

const backToTheQueue = setting('unassign')({ [PERSON]: null, status: 'queued' });

/** The visitor is waiting, so by default another agent can take over immediately. */
const liveChats = rule('messaging.live-chats', 'Live chats', {
  rows: owned(LiveChat, 'operatorId', { status: 'open' }, { shown: shown.liveChat }),
  deactivated: can(backToTheQueue, keep, transfer),
  deleted: can(backToTheQueue, keep, transfer),
  presets: { helpdesk: { deactivated: keep } },
});

/** Internal notes stay. After a deletion the author is shown as "Deleted user". */
const internalNotes = rule('messaging.internal-notes', 'Internal notes', {
  rows: owned(InternalNote, 'author', {}, { shown: shown.internalNote }),
  deactivated: always(keep),
  deleted: always(keep),
});

/** A reactivated user is a member as before; a deleted user loses all memberships. */
const inboxMemberships = rule('messaging.inbox-memberships', 'Memberships of shared inboxes', {
  rows: owned(InboxMember, 'userId', {}, { shown: shown.inboxMembership }),
  deactivated: always(keep),
  deleted: always(remove),
});

/** The rules of this service, in the order in which they run. */
export const messagingRules: readonly Rule[] = [
  conversations,
  personalThreads,
  personalScheduledMessages,
  sharedScheduledMessages,
  campaigns,
  liveChats,
  ...templateRules,
  internalNotes,
  csat,
  activity,
  inboxMemberships,
];
