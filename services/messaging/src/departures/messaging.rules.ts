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
import { csat, templateRules } from './templates.rules.js';

/** Whose work goes on gets somebody else once the person is deleted. Closed conversations keep their history. */
const conversations = rule('messaging.conversations', 'Open and snoozed conversations', {
  rows: owned(Conversation, 'assignee', { status: ['open', 'snoozed'] }),
  deactivated: can(keep, unassign, transfer),
  deleted: can(unassign, keep, transfer),
});

const backToTheQueue = setting('unassign')({ [PERSON]: null, status: 'queued' });

/** The visitor is waiting: another operator can take over at once. */
const liveChats = rule('messaging.live-chats', 'Live chats', {
  rows: owned(LiveChat, 'operatorId', { status: 'open' }),
  deactivated: can(backToTheQueue, keep, transfer),
  deleted: can(backToTheQueue, keep, transfer),
  presets: { helpdesk: { deactivated: keep } },
});

/** What the team knows stays, by a "Deleted user" in the end. */
const internalNotes = rule('messaging.internal-notes', 'Internal notes', {
  rows: owned(InternalNote, 'author'),
  deactivated: always(keep),
  deleted: always(keep),
});

/** Somebody who returns is a member as before; somebody deleted is no member of anything. */
const inboxMemberships = rule('messaging.inbox-memberships', 'Memberships of shared inboxes', {
  rows: owned(InboxMember, 'userId'),
  deactivated: always(keep),
  deleted: always(remove),
});

/** What happens to the messaging of somebody who leaves, in this order. */
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
