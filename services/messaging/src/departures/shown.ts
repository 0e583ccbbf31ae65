import { RIGHTS } from '#libs/contracts';
import { shownAs } from '#libs/lifecycle';
import { sql } from 'kysely';

const inbox = sql`select i.name from message_inbox i where i.id = t.inbox_id`;
const inboxOwner = sql`(select i.owner_id from message_inbox i where i.id = t.inbox_id)`;
const isShared = sql`t.visibility = 'shared'`;
/** The newest message, or the inbox of a conversation without one. The contact’s name belongs to another service. */
const newestMessage = sql`coalesce(
  (select m.text from message m where m.conversation_id = t.id order by m.id desc limit 1), (${inbox}))`;

/** How rows of messaging are shown behind the counts of a departure. */
export const shown = {
  conversation: shownAs('conversation', RIGHTS.conversations, { label: newestMessage }),
  personalConversation: shownAs('conversation', RIGHTS.conversations, { label: newestMessage, holder: inboxOwner }),
  personalMessage: shownAs('message', RIGHTS.messages, { label: 'text', holder: inboxOwner }),
  scheduledMessage: shownAs('scheduled-message', RIGHTS['scheduled-messages'], { label: 'text' }),
  campaign: shownAs('campaign', RIGHTS.campaigns, { label: sql`coalesce(t.name, t.text)` }),
  liveChat: shownAs('live-chat', RIGHTS['live-chats'], { label: 'visitor' }),
  internalNote: shownAs('internal-note', RIGHTS['internal-notes'], { label: 'text' }),
  inboxMembership: shownAs('inbox-membership', RIGHTS.inboxes, { label: sql`(${inbox})` }),
  activity: shownAs('message-activity', RIGHTS.messages, {
    label: sql`concat_ws(': ', t.kind, (select m.text from message m where m.id = t.message_id))`,
  }),
  chatbot: shownAs('chatbot', RIGHTS.chatbots),
  webform: shownAs('webform', RIGHTS.webforms),
  emailTemplate: shownAs('email-template', RIGHTS['email-templates'], { team: isShared }),
  email: shownAs('email', RIGHTS.emails, { team: isShared }),
  csatResponse: shownAs('csat-response', RIGHTS['csat-responses'], {
    label: sql`concat_ws(': ', t.score, t.comment)`,
  }),
};
