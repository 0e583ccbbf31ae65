import { inboxes } from '#libs/contracts';
import { handsOver } from '#libs/platform/testing';
import { startMessaging } from './testing/messaging.js';

const LATER = '2040-01-01T09:00:00.000Z';

handsOver('messaging', startMessaging, {
  campaigns: { body: { text: 'New in', at: LATER } },
  chatbots: { body: { name: 'Greeter' } },
  conversations: {
    body: async ({ service, owner }) => {
      const inbox = await service.call(owner, inboxes.create, { body: { kind: 'shared', name: 'Support' } });
      return { inboxId: inbox.id, contactId: service.ids.next(), assignee: owner.userId };
    },
    everybody: true,
  },
  'email-templates': { body: { name: 'Offer', subject: 'Our offer', body: 'As we have agreed' } },
  'live-chats': { body: ({ owner }) => ({ visitor: 'A visitor', operatorId: owner.userId }) },
  webforms: { body: { name: 'Contact us' } },
});
