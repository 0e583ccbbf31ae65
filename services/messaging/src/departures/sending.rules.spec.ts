import { RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import type { ServiceClient } from '#libs/broker';
import { Directory } from '#libs/database';
import { behavesLikeARule, RuleBench, type Person, type ServiceUnderTest } from '#libs/lifecycle/testing';
import { ActivityEntry } from '../activity/activity.entity.js';
import { CampaignController } from '../campaign/campaign.controller.js';
import { Campaign } from '../campaign/campaign.entity.js';
import { ConversationController } from '../conversation/conversation.controller.js';
import { Conversation } from '../conversation/conversation.entity.js';
import { Inbox } from '../inbox/inbox.entity.js';
import { InboxAccess } from '../inbox/inbox-access.js';
import { Threads } from '../conversation/threads.js';
import { Composer } from '../message/composer.js';
import { Message } from '../message/message.entity.js';
import { Outgoing } from '../message/outgoing.js';
import type { Recipients } from '../message/recipients.js';
import { ScheduledMessages } from '../scheduled-message/scheduled-messages.js';
import { SendingInboxes } from '../message/sending-inboxes.js';
import { entities, migrations } from '../messaging.module.js';
import { ScheduledMessage } from '../scheduled-message/scheduled-message.entity.js';
import { messagingRules } from './messaging.rules.js';

const messaging: ServiceUnderTest = { name: 'messaging', entities, rules: messagingRules, migrations };

/** A stand-in for `Recipients` that always returns the same contact. */
const someContact = (bench: RuleBench) => {
  const contacts = [{ id: bench.ids.next(), phone: '+14155550100', assigneeId: null }];
  return {
    all: () => Promise.resolve(contacts),
    page: () => Promise.resolve({ contacts, next: null, definition: {} }),
  };
};

/** Not called: only campaigns of deleted owners ask identity. */
const unusedClient = {} as ServiceClient;

function parts(bench: RuleBench) {
  const em = bench.orm.em as EntityManager;
  const { ids, clock } = bench;
  const directory = new Directory(em);
  const recipients = someContact(bench) as unknown as Recipients;
  const [inboxes, threads] = [new SendingInboxes(em, ids, clock), new Threads(em, directory, ids, clock)];
  const outgoing = new Outgoing(em, threads, ids, clock);
  const scheduled = new ScheduledMessages(em, directory, threads, ids, clock);
  const access = new InboxAccess(em, directory, clock);
  const composer = new Composer(directory, recipients, inboxes, access, outgoing, scheduled, clock);
  return { em, ids, clock, directory, recipients, inboxes, access, composer };
}

/** Runs `work` in a separate transaction, like a call from the gateway. */
function transaction<A>(bench: RuleBench, work: (with_: ReturnType<typeof parts>) => Promise<A>): Promise<A> {
  const made = parts(bench);
  return RequestContext.create(made.em, () => made.em.transactional(() => work(made)));
}

const agent = (person: Person) => ({ ...person, roles: ['agent'] as const });
const text = 'Hello';

const compose = (bench: RuleBench, owner: Person, more: object = {}) =>
  transaction(bench, async ({ composer, recipients }) =>
    composer.compose(
      agent(owner),
      { text, ...more },
      { to: await recipients.all({ accountId: owner.accountId }), teamIds: [] },
    ),
  );

async function anInbox(em: EntityManager, bench: RuleBench, owner: Person, kind: 'personal' | 'shared') {
  const id = bench.ids.next();
  const ownerId = kind === 'personal' ? owner.userId : null;
  em.create(Inbox, { id, accountId: owner.accountId, kind, name: 'Inbox', ownerId, createdAt: bench.clock.now() });
  await em.flush();
  return id;
}

async function aConversation(em: EntityManager, owner: Person, bench: RuleBench) {
  const inboxId = await anInbox(em, bench, owner, 'personal');
  const fresh = { contactId: bench.ids.next(), status: 'open' as const, createdAt: bench.clock.now() };
  const row = em.create(Conversation, { id: bench.ids.next(), accountId: owner.accountId, inboxId, ...fresh });
  await em.flush();
  return row;
}

behavesLikeARule(messaging, 'messaging.personal-threads', {
  part: 'conversations',
  row: aConversation,
  write: async (bench, owner) => {
    const inboxId = await anInbox(bench.em(), bench, owner, 'personal');
    return bench.create(ConversationController, owner, { inboxId, contactId: bench.ids.next() });
  },
});

behavesLikeARule(messaging, 'messaging.personal-threads', {
  part: 'messages',
  row: async (em, owner, bench) => {
    const { id: conversationId, inboxId, contactId } = await aConversation(em, owner, bench);
    const fresh = { direction: 'inbound' as const, text, status: 'received' as const, createdAt: bench.clock.now() };
    em.create(Message, {
      id: bench.ids.next(),
      accountId: owner.accountId,
      inboxId,
      conversationId,
      contactId,
      ...fresh,
    });
  },
  write: (bench, owner) => compose(bench, owner),
});

const aScheduledMessage =
  (kind: 'personal' | 'shared') => async (em: EntityManager, owner: Person, bench: RuleBench) => {
    const inboxId = await anInbox(em, bench, owner, kind);
    const people = { accountId: owner.accountId, ownerId: owner.userId, scheduledBy: owner.userId };
    const now = bench.clock.now();
    const at = new Date(tomorrow(bench).at);
    const fresh = { contactIds: [], teamIds: [], text, at, status: 'scheduled' as const, createdAt: now };
    em.create(ScheduledMessage, { id: bench.ids.next(), inboxId, ...people, ...fresh });
  };
const tomorrow = (bench: RuleBench) => ({ at: new Date(bench.clock.millis() + 86_400_000).toISOString() });

behavesLikeARule(messaging, 'messaging.scheduled-messages', {
  row: aScheduledMessage('personal'),
  write: (bench, owner) => compose(bench, owner, tomorrow(bench)),
});

describe('a scheduled message that is due while its owner is deactivated', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(messaging);
  });
  afterAll(() => bench.close());

  it.each(['hold', 'cancel'] as const)('is not sent late when a reactivation undoes the action %s', async (action) => {
    const owner = await bench.person();
    const em = bench.em();
    await aScheduledMessage('personal')(em, owner, bench);
    await em.flush();
    await bench.processor.apply([
      bench.leaving(owner, 'deactivated', { 'messaging.scheduled-messages': { deactivated: { action } } }),
    ]);
    bench.clock.advanceDays(2);
    const [receipt] = await bench.processor.apply([bench.reactivation(owner, 3, 'all')]);
    expect(receipt!.rules).toMatchObject([{ affected: 0, notRestored: 1, warning: 'changed-since' }]);
    expect(await bench.em().find(ScheduledMessage, { ownerId: owner.userId })).toMatchObject([
      { status: action === 'hold' ? 'held' : 'cancelled' },
    ]);
  });
});

behavesLikeARule(messaging, 'messaging.shared-scheduled-messages', {
  row: aScheduledMessage('shared'),
  write: async (bench, owner) => {
    const inboxId = await anInbox(bench.em(), bench, owner, 'shared');
    return compose(bench, owner, { ...tomorrow(bench), inboxId });
  },
});

behavesLikeARule(messaging, 'messaging.campaigns', {
  row: (em, { accountId, userId }, bench) => {
    const now = bench.clock.now();
    const fresh = { text, at: now, status: 'scheduled' as const, definition: {}, teamIds: [], createdAt: now };
    em.create(Campaign, { id: bench.ids.next(), accountId, ownerId: userId, ...fresh });
  },
  write: (bench, owner) =>
    transaction(bench, ({ em, directory, ids, clock, recipients, access }) => {
      const controller = new CampaignController(em, directory, ids, clock, recipients, access, unusedClient);
      const body = { text, at: clock.now().toISOString() };
      return controller.create(
        { principal: agent(owner), params: {}, query: {}, body },
        { definition: {}, teamIds: [] },
      );
    }),
});

behavesLikeARule(messaging, 'messaging.activity', {
  row: (em, { accountId, userId }, bench) => {
    const [messageId, inboxId, contactId] = [bench.ids.next(), bench.ids.next(), bench.ids.next()];
    const now = bench.clock.now();
    const fresh = { kind: 'sent' as const, teamIds: [], sentAt: now, at: now };
    em.create(ActivityEntry, { id: bench.ids.next(), accountId, userId, messageId, inboxId, contactId, ...fresh });
  },
  // Leavers cannot write messages. Messages written before the departure are still sent and recorded.
  write: (bench, owner) => compose(bench, owner),
});
