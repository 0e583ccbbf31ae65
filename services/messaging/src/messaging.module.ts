import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { ConversationController } from './conversation/conversation.controller.js';
import { Conversation } from './conversation/conversation.entity.js';
import { messagingRules } from './departures/messaging.rules.js';
import { InboxController } from './inbox/inbox.controller.js';
import { Inbox, InboxMember } from './inbox/inbox.entity.js';
import { InternalNoteController } from './internal-note/internal-note.controller.js';
import { InternalNote } from './internal-note/internal-note.entity.js';
import { LiveChatController } from './live-chat/live-chat.controller.js';
import { LiveChat } from './live-chat/live-chat.entity.js';

export const entities = [Inbox, InboxMember, Conversation, LiveChat, InternalNote];

/** Inboxes and what is talked about in them: conversations, live chats, internal notes. */
@Module({
  imports: [
    LifecycleModule.forService({ service: 'messaging', consumer: 'messaging-users', rules: messagingRules, entities }),
  ],
  controllers: [InboxController, ConversationController, LiveChatController, InternalNoteController],
})
export class MessagingModule {}
