/** @import { Campaign, Chatbot, Contact, Conversation, CrmRecord, CsatResponse, Inbox, InternalNote } from '#libs/contracts' */
/** @import { LiveChat, Message, Page, ScheduledMessage, Segment, Webform } from '#libs/contracts' */
/** @import { People } from './account.mjs' */
/** @import { ByVisibility } from './accounts.mjs' */
import { daysFromNow, mapConcurrently, until } from './helpers.mjs';

/** @typedef {{ sharedInboxes: Inbox[], ownInbox: Inbox }} Inboxes */

/**
 * Creates inboxes, conversations, messages, live chats and email.
 * @param {People} people
 * @param {Contact[]} contacts
 * @param {{ deal: CrmRecord, segments: Segment[] }} contactData
 */
export async function createMessagingData(people, contacts, { deal, segments }) {
  const inboxes = await createInboxes(people);
  const [conversations, messages, liveChats, automatic] = await Promise.all([
    createConversations(people, contacts, inboxes),
    createMessages(people, contacts, inboxes, segments),
    createLiveChats(people),
    createChatbotAndWebform(people),
    createEmail(people, deal),
  ]);
  return { ...inboxes, ...conversations, ...messages, liveChats, ...automatic };
}

/**
 * @param {People} people
 * @returns {Promise<Inboxes>}
 */
async function createInboxes({ owner, leaver, colleagues: [colleague, another], spec }) {
  const memberIds = [leaver, colleague, another].map(({ user }) => user.id);
  /** @type {Promise<[Inbox[], Inbox]>} */
  const created = Promise.all([
    mapConcurrently(spec.inboxes, (name) => owner.api.post('/v1/inboxes', { kind: 'shared', name, memberIds })),
    leaver.api.post('/v1/inboxes', { kind: 'personal', name: 'My direct line' }),
  ]);
  const [sharedInboxes, ownInbox] = await created;
  return { sharedInboxes, ownInbox };
}

/**
 * Open, snoozed and closed conversations of the leaver, notes in the open ones and customer ratings of the closed ones.
 * @param {People} people
 * @param {Contact[]} contacts
 * @param {Inboxes} inboxes
 */
async function createConversations(people, contacts, { sharedInboxes, ownInbox }) {
  const { owner, leaver, colleagues, spec } = people;
  const me = leaver.user.id;
  /** @type {(index: number, assignee: string | null, status?: string, inbox?: Inbox) => Promise<Conversation>} */
  const create = (index, assignee, status = 'open', inbox = sharedInboxes[0]) =>
    owner.api.post('/v1/conversations', { contactId: contacts[index]?.id, inboxId: inbox?.id, assignee, status });
  const [conversations, closed] = await Promise.all([
    Promise.all([
      ...[0, 1, 2, 3].map((index) => create(index, me)),
      create(4, me, 'open', ownInbox),
      ...[5, 6].map((index) => create(index, me, 'snoozed')),
    ]),
    Promise.all([7, 8].map((index) => create(index, me, 'closed'))),
    create(9, colleagues[0].user.id, 'open', sharedInboxes.at(-1)),
    create(10, null),
  ]);
  /** @type {Promise<InternalNote[]>} */
  const written = mapConcurrently(spec.notes, (text, index) =>
    leaver.api.post('/v1/internal-notes', { conversationId: conversations[index]?.id, text }),
  );
  /** @type {(index: number, score: number, comment?: string) => Promise<CsatResponse>} */
  const rate = (index, score, comment) =>
    owner.api.post('/v1/csat-responses', { conversationId: closed[index]?.id, score, comment });
  const [notes] = await Promise.all([written, rate(0, 5, spec.csat), rate(1, 4)]);
  return { conversations, notes };
}

/**
 * Messages of the leaver: delivered, answered, and sent as the assigned user. Later ones go out from the own number, from a
 * shared inbox, and as campaigns.
 * @param {People} people
 * @param {Contact[]} contacts
 * @param {Inboxes} inboxes
 * @param {Segment[]} segments
 */
async function createMessages(people, contacts, { sharedInboxes, ownInbox }, segments) {
  const { owner, leaver, colleagues, spec } = people;
  const { api } = leaver;
  /** @param {string} userId */
  const assignedTo = (userId) => contacts.filter(({ assignee }) => assignee?.id === userId).map(({ id }) => id);
  const own = assignedTo(leaver.user.id);
  const others = assignedTo(colleagues[0].user.id).slice(0, 1);
  /** @type {(inbox: Inbox | undefined, contactIds: string[], text: string, days: number) => Promise<ScheduledMessage>} */
  const schedule = (inbox, contactIds, text, days) =>
    api.post('/v1/scheduled-messages', { inboxId: inbox?.id, contactIds, text, at: daysFromNow(days) });
  /** @type {(name: string, index: number) => Promise<Campaign>} */
  const createCampaign = (name, index) =>
    api.post('/v1/campaigns', {
      name,
      text: `${name}. Reply STOP to hear nothing more.`,
      at: daysFromNow(7 + index),
      segmentId: segments[index % segments.length]?.id,
    });
  const holiday = 'We are closed on the holiday.';
  const [scheduled, sharedScheduled, campaigns] = await Promise.all([
    mapConcurrently(spec.later, (text, index) => schedule(ownInbox, own.slice(index, index + 1), text, 3 + index)),
    schedule(
      sharedInboxes[0],
      contacts.slice(0, 1).map(({ id }) => id),
      holiday,
      5,
    ),
    mapConcurrently(spec.campaigns, createCampaign),
    mapConcurrently(spec.texts, (text, index) =>
      api.post('/v1/messages', { inboxId: ownInbox.id, contactIds: own.slice(index, index + 2), text }),
    ),
    api.post('/v1/messages', {
      contactIds: others,
      text: 'We have moved your appointment.',
      sendAsAssignedUser: true,
    }),
    colleagues[0].api.post('/v1/messages', { contactIds: others, text: 'See you then!' }),
  ]);
  // A queued message would change the counts that the demo compares.
  /** @type {() => Promise<Page<Message>>} */
  const queued = () => owner.api.get('/v1/messages?status=queued');
  await until('The delivery of messages', queued, ({ items }) => items.length === 0);
  await owner.api.post('/v1/messages/inbound', { inboxId: ownInbox.id, contactId: own[0], text: spec.reply });
  return { scheduled, sharedScheduled, campaigns };
}

/**
 * Live chats with the leaver, one with a colleague and one in the queue.
 * @param {People} people
 */
async function createLiveChats({ owner, leaver, colleagues: [colleague], spec }) {
  /** @type {Promise<LiveChat[]>} */
  const created = mapConcurrently(spec.visitors, (visitor) =>
    leaver.api.post('/v1/live-chats', { visitor, operatorId: leaver.user.id }),
  );
  const [liveChats] = await Promise.all([
    created,
    owner.api.post('/v1/live-chats', { visitor: 'Waiting in the queue' }),
    owner.api.post('/v1/live-chats', { visitor: 'With a colleague', operatorId: colleague.user.id }),
  ]);
  return liveChats;
}

/**
 * A chatbot and a web form that run as the leaver.
 * @param {People} people
 */
async function createChatbotAndWebform({ leaver, spec }) {
  /** @type {Promise<[Chatbot, Webform]>} */
  const created = Promise.all([
    leaver.api.post('/v1/chatbots', { name: spec.chatbot }),
    leaver.api.post('/v1/webforms', { name: spec.webform, email: `hello@${spec.domain}` }),
  ]);
  const [chatbot, webform] = await created;
  return { chatbot, webform };
}

/**
 * @param {People} people
 * @param {CrmRecord} deal
 */
async function createEmail({ leaver, spec }, deal) {
  /** @type {<T>(names: ByVisibility, create: (name: string, visibility: string) => T) => T[]} */
  const each = (names, create) =>
    Object.entries(names).flatMap(([visibility, some]) => some.map((name) => create(name, visibility)));
  const body = 'As we said on the phone.';
  await Promise.all([
    ...each(spec.templates, (name, visibility) =>
      leaver.api.post('/v1/email-templates', { name, subject: name, body, visibility }),
    ),
    ...each(spec.emails, (subject, visibility) =>
      leaver.api.post('/v1/emails', { recordId: deal.id, subject, body, visibility }),
    ),
  ]);
}
