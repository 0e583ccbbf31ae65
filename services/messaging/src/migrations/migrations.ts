import type { Migrations } from '#libs/database';
import { serviceTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { conversationTables } from './0100-conversations.js';
import { liveChatTables } from './0101-live-chats.js';
import { notesOutliveConversations } from './0102-notes-outlive-conversations.js';
import { messageTables } from './0110-messages.js';
import { scheduledSendingTables } from './0111-scheduled-sending.js';
import { chatbotTables } from './0120-chatbots.js';
import { webformTables } from './0121-webforms.js';
import { emailTemplateTables } from './0122-email-templates.js';
import { linkedEmailTables } from './0123-linked-emails.js';
import { csatTables } from './0124-csat-responses.js';
import { liveChatOperatorTables } from './0130-live-chat-operators.js';
import { recentMessages } from './0131-recent-messages.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  conversationTables,
  liveChatTables,
  notesOutliveConversations,
  messageTables,
  scheduledSendingTables,
  chatbotTables,
  webformTables,
  emailTemplateTables,
  linkedEmailTables,
  csatTables,
  liveChatOperatorTables,
  recentMessages,
];
