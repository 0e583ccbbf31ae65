import { EntityManager } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { Log, safeErrorFields } from '#libs/observability';
import { AfterCommit, Clock, type Migrations } from '#libs/database';
import { LifecycleModule, serviceTables } from '#libs/lifecycle';
import { controllersOf, entitiesOf, platformMigrations, type ServiceResource } from '#libs/platform';
import { ActivityController } from './activity/activity.controller.js';
import { ActivityEntry } from './activity/activity.entity.js';
import { Ledger } from './activity/ledger.js';
import { AutoReplies } from './auto-reply/auto-replies.js';
import { AutoReplySender } from './auto-reply/auto-reply-sender.worker.js';
import { CampaignController } from './campaign/campaign.controller.js';
import { Campaign } from './campaign/campaign.entity.js';
import { CampaignSender } from './campaign/campaign-sender.worker.js';
import { Carrier } from './carrier/carrier.js';
import { CarrierWorker } from './carrier/carrier.worker.js';
import { HttpCarrier } from './carrier/http-carrier.js';
import { SandboxCarrier } from './carrier/sandbox-carrier.js';
import { ChatbotController } from './chatbot/chatbot.controller.js';
import { Chatbot } from './chatbot/chatbot.entity.js';
import { ContactNoticeSender } from './contact-notice/contact-notice-sender.worker.js';
import { ContactsOfLeavers } from './contact-notice/contacts-of-leavers.js';
import { ContactsToldController } from './contact-notice/contacts-told.controller.js';
import { ContactsToTellController } from './contact-to-tell/contacts-to-tell.controller.js';
import { ConversationController } from './conversation/conversation.controller.js';
import { Conversation } from './conversation/conversation.entity.js';
import { MyContacts } from './conversation/my-contacts.js';
import { Threads } from './conversation/threads.js';
import { CsatController } from './csat/csat.controller.js';
import { CsatResponse } from './csat/csat.entity.js';
import { messagingRules } from './departures/messaging.rules.js';
import { NamedAfterTheLeaver } from './departures/named-after-the-leaver.js';
import { EmailTemplateController } from './email-template/email-template.controller.js';
import { EmailTemplate } from './email-template/email-template.entity.js';
import { LinkedEmailController } from './email/email.controller.js';
import { LinkedEmail } from './email/email.entity.js';
import { InboxAccess } from './inbox/inbox-access.js';
import { InboxReads } from './inbox/inbox-reads.worker.js';
import { InboxController } from './inbox/inbox.controller.js';
import { Inbox, InboxMember } from './inbox/inbox.entity.js';
import { PersonalInboxConversion } from './inbox/personal-inbox-conversion.js';
import { InternalNoteController } from './internal-note/internal-note.controller.js';
import { InternalNote } from './internal-note/internal-note.entity.js';
import { LiveChatController } from './live-chat/live-chat.controller.js';
import { LiveChat } from './live-chat/live-chat.entity.js';
import { LiveChatOperatorController } from './live-chat/live-chat-operator.controller.js';
import { LiveChatRouter } from './live-chat/live-chat-router.worker.js';
import { Composer } from './message/composer.js';
import { InboundRouting } from './message/inbound-routing.js';
import { Inbound } from './message/inbound.js';
import { MessageController } from './message/message.controller.js';
import { Message } from './message/message.entity.js';
import { Outgoing } from './message/outgoing.js';
import { Recipients } from './message/recipients.js';
import { SendingInboxes } from './message/sending-inboxes.js';
import { MessagingConfig } from './messaging.config.js';
import { conversationTables } from './migrations/0100-conversations.js';
import { liveChatTables } from './migrations/0101-live-chats.js';
import { notesOutliveConversations } from './migrations/0102-notes-outlive-conversations.js';
import { messageTables } from './migrations/0110-messages.js';
import { scheduledSendingTables } from './migrations/0111-scheduled-sending.js';
import { chatbotTables } from './migrations/0120-chatbots.js';
import { webformTables } from './migrations/0121-webforms.js';
import { emailTemplateTables } from './migrations/0122-email-templates.js';
import { linkedEmailTables } from './migrations/0123-linked-emails.js';
import { csatTables } from './migrations/0124-csat-responses.js';
import { liveChatOperatorTables } from './migrations/0130-live-chat-operators.js';
import { queuedMessages } from './migrations/0132-queued-messages.js';
import { openInboxes } from './migrations/0136-open-inboxes.js';
import { autoReplyTables } from './migrations/0165-auto-replies.js';
import { contactNoticeTables } from './migrations/0164-contact-notices.js';
import { recentMessages } from './migrations/0131-recent-messages.js';
import { ScheduledMessageController } from './scheduled-message/scheduled-message.controller.js';
import { ScheduledMessage } from './scheduled-message/scheduled-message.entity.js';
import { ScheduledChanges } from './scheduled-message/scheduled-changes.js';
import { ScheduledMessages } from './scheduled-message/scheduled-messages.js';
import { ScheduledSender } from './scheduled-message/scheduled-sender.worker.js';
import { WebformController } from './webform/webform.controller.js';
import { Webform } from './webform/webform.entity.js';

/** One entry per resource: the entities of its tables, and the controllers that answer calls about it. */
const resources: readonly ServiceResource[] = [
  { entities: [Inbox, InboxMember], controllers: [InboxController] },
  { entities: [Conversation], controllers: [ConversationController, ContactsToTellController, ContactsToldController] },
  { entities: [Message], controllers: [MessageController] },
  { entities: [ScheduledMessage], controllers: [ScheduledMessageController] },
  { entities: [Campaign], controllers: [CampaignController] },
  { entities: [ActivityEntry], controllers: [ActivityController] },
  { entities: [LiveChat], controllers: [LiveChatController, LiveChatOperatorController] },
  { entities: [InternalNote], controllers: [InternalNoteController] },
  { entities: [Chatbot], controllers: [ChatbotController] },
  { entities: [Webform], controllers: [WebformController] },
  { entities: [EmailTemplate], controllers: [EmailTemplateController] },
  { entities: [LinkedEmail], controllers: [LinkedEmailController] },
  { entities: [CsatResponse], controllers: [CsatController] },
];

export const entities = entitiesOf(resources);

/** In the order in which they are applied. A released migration is never changed. */
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
  queuedMessages,
  openInboxes,
  contactNoticeTables,
  autoReplyTables,
];

/**
 * Inboxes, conversations, messages and their reports, live chats, chatbots and web forms, emails and templates, and
 * customer satisfaction.
 */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'messaging',
      consumer: 'messaging-users',
      rules: messagingRules,
      entities,
      conversion: PersonalInboxConversion,
      notices: ContactsOfLeavers,
      forgetting: NamedAfterTheLeaver,
    }),
  ],
  controllers: controllersOf(resources),
  providers: [
    LiveChatRouter,
    Composer,
    Inbound,
    InboundRouting,
    InboxAccess,
    InboxReads,
    MyContacts,
    Recipients,
    SendingInboxes,
    Outgoing,
    Threads,
    Ledger,
    ScheduledChanges,
    ScheduledMessages,
    ScheduledSender,
    CampaignSender,
    CarrierWorker,
    ContactNoticeSender,
    AutoReplies,
    AutoReplySender,
    {
      provide: AfterCommit,
      inject: [EntityManager, Log],
      useFactory: (em: EntityManager, log: Log) =>
        new AfterCommit(em, (error) => log.warn(safeErrorFields(error), 'work after a call failed')),
    },
    {
      provide: Carrier,
      // Without a configuration, for example in tests, the sandbox is used.
      inject: [EntityManager, Clock, { token: MessagingConfig, optional: true }],
      useFactory: (em: EntityManager, clock: Clock, config?: MessagingConfig): Carrier =>
        config?.carrierUrl
          ? new HttpCarrier(clock, config.carrierUrl, config.carrierToken)
          : new SandboxCarrier(em, clock),
    },
  ],
})
export class MessagingModule {}
