import type { EntityManager } from '@mikro-orm/postgresql';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  RuleBench,
  type Person,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { ConversationController } from '../conversation/conversation.controller.js';
import { Conversation } from '../conversation/conversation.entity.js';
import { InboxController } from '../inbox/inbox.controller.js';
import { Inbox, InboxMember } from '../inbox/inbox.entity.js';
import { InternalNoteController } from '../internal-note/internal-note.controller.js';
import { InternalNote } from '../internal-note/internal-note.entity.js';
import { LiveChatController } from '../live-chat/live-chat.controller.js';
import { LiveChat } from '../live-chat/live-chat.entity.js';
import { entities, migrations } from '../messaging.module.js';
import { kept } from './kept.js';
import { messagingRules } from './messaging.rules.js';

const messaging: ServiceUnderTest = { name: 'messaging', entities, rules: messagingRules, migrations };

async function anInbox(em: EntityManager, { accountId }: Person, bench: RuleBench): Promise<string> {
  const id = bench.ids.next();
  em.create(Inbox, { id, accountId, kind: 'shared', name: 'Support', createdAt: bench.clock.now() });
  await em.flush();
  return id;
}

async function aConversation(em: EntityManager, owner: Person, bench: RuleBench, more: object = {}): Promise<string> {
  const id = bench.ids.next();
  const inboxId = await anInbox(em, owner, bench);
  const fresh = { status: 'open' as const, assignee: null, createdAt: bench.clock.now() };
  em.create(Conversation, { id, accountId: owner.accountId, inboxId, contactId: bench.ids.next(), ...fresh, ...more });
  await em.flush();
  return id;
}

behavesLikeARule(messaging, 'messaging.conversations', {
  row: (em, owner, bench) => aConversation(em, owner, bench, { assignee: owner.userId }),
  ways: {
    'assigning a new one': {
      given: (bench, owner) => anInbox(bench.em(), owner, bench),
      write: (bench, owner, inboxId) =>
        bench.create(ConversationController, owner, {
          inboxId,
          contactId: bench.ids.next(),
          assignee: owner.userId,
        }),
    },
    'reopening one that the leaver has closed': {
      given: (bench, owner) =>
        aConversation(bench.em(), owner, bench, { assignee: owner.userId, status: 'closed' as const }),
      write: (bench, owner, id) =>
        bench.call(ConversationController, 'update', owner, { params: { id }, body: { status: 'open' } }),
      maySucceed: true,
    },
  },
});

async function aWaitingChat(bench: RuleBench, { accountId }: Person): Promise<string> {
  const em = bench.em();
  const id = bench.ids.next();
  em.create(LiveChat, { id, accountId, visitor: 'Visitor', status: 'queued', createdAt: bench.clock.now() });
  await em.flush();
  return id;
}

/** A caller of the account whose own status does not matter. */
const aManager = ({ ids }: RuleBench, { accountId }: Person): Person => ({ accountId, userId: ids.next() });

behavesLikeARule(messaging, 'messaging.live-chats', {
  row: (em, { accountId, userId }, bench) =>
    em.create(LiveChat, {
      id: bench.ids.next(),
      accountId,
      visitor: 'Visitor',
      operatorId: userId,
      status: 'open',
      createdAt: bench.clock.now(),
    }),
  ways: {
    'creating one with an operator': (bench, owner) =>
      bench.create(LiveChatController, owner, { visitor: 'Visitor', operatorId: owner.userId }),
    'taking one from the queue': {
      given: aWaitingChat,
      write: (bench, owner, id) => bench.call(LiveChatController, 'take', owner, { params: { id } }),
    },
    'getting one from a manager': {
      given: aWaitingChat,
      write: (bench, owner, id) =>
        bench.call(LiveChatController, 'update', aManager(bench, owner), {
          params: { id },
          body: { operatorId: owner.userId },
          roles: ['admin'],
        }),
    },
  },
});

behavesLikeARule(messaging, 'messaging.internal-notes', {
  row: async (em, owner, bench) => {
    const conversationId = await aConversation(em, owner, bench);
    em.create(InternalNote, {
      id: bench.ids.next(),
      accountId: owner.accountId,
      conversationId,
      text: 'Asks for a discount',
      author: owner.userId,
      createdAt: bench.clock.now(),
    });
  },
  write: async (bench, owner) => {
    const conversationId = await aConversation(bench.em(), owner, bench);
    return bench.create(InternalNoteController, owner, { conversationId, text: 'Asks for a discount' });
  },
});

behavesLikeARule(messaging, 'messaging.inbox-memberships', {
  row: async (em, owner, bench) => {
    const inboxId = await anInbox(em, owner, bench);
    em.create(InboxMember, { id: bench.ids.next(), accountId: owner.accountId, inboxId, userId: owner.userId });
  },
  ways: {
    'making an inbox': (bench, owner) =>
      bench.create(InboxController, owner, { kind: 'shared', name: 'Support', memberIds: [owner.userId] }),
    'joining an inbox': {
      given: async (bench, { accountId }) => {
        const colleague = await bench.person({ accountId });
        const memberIds = [colleague.userId];
        return (await bench.create(InboxController, colleague, { kind: 'shared', name: 'Support', memberIds })).id;
      },
      write: (bench, owner, id) =>
        bench.call(InboxController, 'update', aManager(bench, owner), {
          params: { id },
          body: { memberIds: [owner.userId] },
          roles: ['admin'],
        }),
    },
  },
});

coversEveryPersonalColumn(messaging, kept);

describe('when a user is deleted', () => {
  let bench: RuleBench;
  let leaver: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(messaging);
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    leaver = await bench.person();
  });
  const leave = () => {
    const rules = {
      'messaging.conversations': { deleted: { action: 'unassign' } },
      'messaging.live-chats': { deactivated: { action: 'unassign' }, deleted: { action: 'unassign' } },
    } as const;
    return bench.processor.apply([bench.leaving(leaver, 'deleted', rules)]);
  };

  it('open and snoozed conversations are unassigned, and closed ones keep their assignee', async () => {
    const em = bench.em();
    const assignee = leaver.userId;
    const [open, snoozed, closed] = [
      await aConversation(em, leaver, bench, { assignee, status: 'open' }),
      await aConversation(em, leaver, bench, { assignee, status: 'snoozed' }),
      await aConversation(em, leaver, bench, { assignee, status: 'closed' }),
    ];
    await leave();
    const rows = await bench
      .em()
      .find(Conversation, { id: { $in: [open, snoozed, closed] } }, { orderBy: { id: 'asc' } });
    expect(rows.map((row) => [row.status, row.assignee])).toEqual([
      ['open', null],
      ['snoozed', null],
      ['closed', leaver.userId],
    ]);
  });

  it('open live chats return to the queue, and closed ones stay closed', async () => {
    const aChat = (status: 'open' | 'closed') => ({
      id: bench.ids.next(),
      accountId: leaver.accountId,
      visitor: 'Visitor',
      operatorId: leaver.userId,
      status,
      createdAt: bench.clock.now(),
    });
    const em = bench.em();
    const chats = [em.create(LiveChat, aChat('open')), em.create(LiveChat, aChat('closed'))];
    await em.flush();
    await leave();
    const rows = await bench
      .em()
      .find(LiveChat, { id: { $in: chats.map(({ id }) => id) } }, { orderBy: { id: 'asc' } });
    expect(rows.map((row) => [row.status, row.operatorId])).toEqual([
      ['queued', null],
      ['closed', leaver.userId],
    ]);
  });
});
