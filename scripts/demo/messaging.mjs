import { daysFromNow, mapConcurrently, until } from './helpers.mjs';

/** Everything that passes between the account and its customers. */
export async function converse(people, contacts, { records, segments }) {
  const inboxes = await openInboxes(people);
  const [threads, sending, chats, stand] = await Promise.all([
    keepThreads(people, contacts, inboxes),
    write(people, contacts, inboxes, segments),
    chat(people),
    answerByThemselves(people),
    email(people, records),
  ]);
  return { ...inboxes, ...threads, ...sending, ...chats, ...stand };
}

async function openInboxes({ owner, leaver, colleagues, spec }) {
  const memberIds = [leaver, ...colleagues.slice(0, 2)].map(({ user }) => user.id);
  const [shared, own] = await Promise.all([
    mapConcurrently(spec.inboxes, (name) => owner.api.post('/v1/inboxes', { kind: 'shared', name, memberIds })),
    leaver.api.post('/v1/inboxes', { kind: 'personal', name: 'My direct line' }),
  ]);
  return { sharedInboxes: shared, ownInbox: own };
}

/** Conversations of the leaver are open, snoozed and closed; for the closed ones customers say how it was. */
async function keepThreads({ owner, leaver, colleagues: [colleague], spec }, contacts, { sharedInboxes, ownInbox }) {
  const me = leaver.user.id;
  const [inbox] = sharedInboxes;
  const open = (index, assignee, status = 'open', inboxId = inbox.id) =>
    owner.api.post('/v1/conversations', { contactId: contacts[index].id, inboxId, assignee, status });
  const [conversations, closed] = await Promise.all([
    Promise.all([
      ...[0, 1, 2, 3].map((index) => open(index, me)),
      open(4, me, 'open', ownInbox.id),
      ...[5, 6].map((index) => open(index, me, 'snoozed')),
    ]),
    mapConcurrently([7, 8], (index) => open(index, me, 'closed')),
    open(9, colleague.user.id, 'open', sharedInboxes.at(-1).id),
    open(10, null),
  ]);
  const rated = ({ id }, score, comment) =>
    owner.api.post('/v1/csat-responses', { conversationId: id, score, comment });
  const [notes] = await Promise.all([
    mapConcurrently(spec.notes, (text, index) =>
      leaver.api.post('/v1/internal-notes', { conversationId: conversations[index].id, text }),
    ),
    rated(closed[0], 5, spec.csat),
    rated(closed[1], 4),
  ]);
  return { conversations, notes };
}

/**
 * Messages of the leaver: delivered, answered, and as the assigned user from colleagues' inboxes; some go out later, from
 * the own number, from a shared inbox and as campaigns.
 */
async function write(
  { owner, leaver, colleagues: [colleague], spec },
  contacts,
  { sharedInboxes, ownInbox },
  segments,
) {
  const send = (message) => leaver.api.post('/v1/messages', message);
  const later = (message) => leaver.api.post('/v1/scheduled-messages', message);
  const [mine, theirs] = [leaver, colleague].map(({ user }) =>
    contacts.filter(({ assignee }) => assignee?.id === user.id),
  );
  const [scheduled, sharedScheduled, campaigns] = await Promise.all([
    mapConcurrently(spec.later, (text, index) =>
      later({ inboxId: ownInbox.id, contactIds: [mine[index].id], text, at: daysFromNow(3 + index) }),
    ),
    later({
      inboxId: sharedInboxes[0].id,
      contactIds: [contacts[0].id],
      text: 'We are closed on the holiday.',
      at: daysFromNow(5),
    }),
    mapConcurrently(spec.campaigns, (name, index) =>
      leaver.api.post('/v1/campaigns', {
        name,
        text: `${name}. Reply STOP to hear nothing more.`,
        at: daysFromNow(7 + index),
        segmentId: segments[index % segments.length].id,
      }),
    ),
    mapConcurrently(spec.texts, (text, index) =>
      send({ inboxId: ownInbox.id, contactIds: [mine[index].id, mine[index + 1].id], text }),
    ),
    send({ contactIds: [theirs[0].id], text: 'We have moved your appointment.', sendAsAssignedUser: true }),
    colleague.api.post('/v1/messages', { contactIds: [theirs[0].id], text: 'See you then!' }),
  ]);
  // Nothing may still be on its way when somebody counts it.
  await until(
    'The delivery of messages',
    () => owner.api.get('/v1/messages?status=queued'),
    ({ items }) => items.length === 0,
  );
  await owner.api.post('/v1/messages/inbound', { inboxId: ownInbox.id, contactId: mine[0].id, text: spec.reply });
  return { scheduled, sharedScheduled, campaigns };
}

/** Chats are with the leaver, a colleague and in the queue. */
async function chat({ owner, leaver, colleagues: [colleague], spec }) {
  const [liveChats] = await Promise.all([
    mapConcurrently(spec.visitors, (visitor) =>
      leaver.api.post('/v1/live-chats', { visitor, operatorId: leaver.user.id }),
    ),
    owner.api.post('/v1/live-chats', { visitor: 'Waiting in the queue' }),
    owner.api.post('/v1/live-chats', { visitor: 'With a colleague', operatorId: colleague.user.id }),
  ]);
  return { liveChats };
}

/** What answers without anybody there, with the leaver behind it. */
async function answerByThemselves({ leaver, spec }) {
  const hello = `hello@${spec.domain}`;
  const [chatbot, webform] = await Promise.all([
    leaver.api.post('/v1/chatbots', { name: spec.chatbot }),
    leaver.api.post('/v1/webforms', { name: spec.webform, email: hello }),
  ]);
  return { chatbot, webform };
}

async function email({ leaver, spec }, { deal: [deal] }) {
  const each = (byVisibility, make) =>
    Object.entries(byVisibility).flatMap(([visibility, names]) => names.map((name) => make(name, visibility)));
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
