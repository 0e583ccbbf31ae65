import { EntityManager } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { Clock } from '#libs/database';
import { LifecycleModule } from '#libs/lifecycle';
import { ActivityController } from './activity/activity.controller.js';
import { ActivityEntry } from './activity/activity.entity.js';
import { Ledger } from './activity/ledger.js';
import { CampaignController } from './campaign/campaign.controller.js';
import { Campaign } from './campaign/campaign.entity.js';
import { CampaignSender } from './campaign/campaign-sender.worker.js';
import { Carrier } from './carrier/carrier.js';
import { CarrierWorker } from './carrier/carrier.worker.js';
import { HttpCarrier } from './carrier/http-carrier.js';
import { SandboxCarrier } from './carrier/sandbox-carrier.js';
import { ChatbotController } from './chatbot/chatbot.controller.js';
import { Chatbot } from './chatbot/chatbot.entity.js';
import { ContactsToTellController } from './contact-to-tell/contacts-to-tell.controller.js';
import { ConversationController } from './conversation/conversation.controller.js';
import { Conversation } from './conversation/conversation.entity.js';
import { CsatController } from './csat/csat.controller.js';
import { CsatResponse } from './csat/csat.entity.js';
import { messagingRules } from './departures/messaging.rules.js';
import { NamedAfterTheLeaver } from './departures/named-after-the-leaver.js';
import { EmailTemplateController } from './email-template/email-template.controller.js';
import { EmailTemplate } from './email-template/email-template.entity.js';
import { LinkedEmailController } from './email/email.controller.js';
import { LinkedEmail } from './email/email.entity.js';
import { InboxAccess } from './inbox/inbox-access.js';
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
import { Inbound } from './message/inbound.js';
import { MessageController } from './message/message.controller.js';
import { Message } from './message/message.entity.js';
import { Outgoing } from './message/outgoing.js';
import { Recipients } from './message/recipients.js';
import { SendingInboxes } from './message/sending-inboxes.js';
import { MessagingConfig } from './messaging.config.js';
import { ScheduledMessageController } from './scheduled-message/scheduled-message.controller.js';
import { ScheduledMessage } from './scheduled-message/scheduled-message.entity.js';
import { ScheduledSender } from './scheduled-message/scheduled-sender.worker.js';
import { WebformController } from './webform/webform.controller.js';
import { Webform } from './webform/webform.entity.js';

export const entities = [
  Inbox,
  InboxMember,
  Conversation,
  Message,
  ScheduledMessage,
  Campaign,
  ActivityEntry,
  LiveChat,
  InternalNote,
  Chatbot,
  Webform,
  EmailTemplate,
  LinkedEmail,
  CsatResponse,
];

/** Inboxes and what is talked about in them, how messages get to phones and what the reports say of it, what talks to visitors, email templates and emails, customers' satisfaction. */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'messaging',
      consumer: 'messaging-users',
      rules: messagingRules,
      entities,
      conversion: PersonalInboxConversion,
      forgetting: NamedAfterTheLeaver,
    }),
  ],
  controllers: [
    InboxController,
    ConversationController,
    ContactsToTellController,
    MessageController,
    ScheduledMessageController,
    CampaignController,
    ActivityController,
    LiveChatController,
    LiveChatOperatorController,
    InternalNoteController,
    ChatbotController,
    WebformController,
    EmailTemplateController,
    LinkedEmailController,
    CsatController,
  ],
  providers: [
    LiveChatRouter,
    Composer,
    Inbound,
    InboxAccess,
    Recipients,
    SendingInboxes,
    Outgoing,
    Ledger,
    ScheduledSender,
    CampaignSender,
    CarrierWorker,
    {
      provide: Carrier,
      // Who starts the service without settings of its own gets the sandbox.
      inject: [EntityManager, Clock, { token: MessagingConfig, optional: true }],
      useFactory: (em: EntityManager, clock: Clock, config?: MessagingConfig): Carrier =>
        config?.carrierUrl ? new HttpCarrier(config.carrierUrl, config.carrierToken) : new SandboxCarrier(em, clock),
    },
  ],
})
export class MessagingModule {}
