import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  conversations,
  inboxConversations,
  inboxes,
  messageCompose,
  messageGet,
  messageInbound,
  messageList,
  scheduledMessages,
  type NewMessage,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { AddressBook } from '../testing/address-book.js';
import { departs, isCaredFor } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';
import { InboxReads } from './inbox-reads.worker.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('a personal inbox', () => {
  let messaging: TestService;
  let contacts: AddressBook;
  let robin: Principal;
  let kim: Principal;
  let admin: Principal;
  let inboxId: string;
  let contactId: string;
  beforeAll(async () => {
    messaging = await startMessaging();
    contacts = await AddressBook.open(messaging);
  });
  afterAll(async () => {
    await contacts.close();
    await messaging.stop();
  });
  beforeEach(async () => {
    robin = await messaging.person();
    const { accountId } = robin;
    kim = await messaging.person({ accountId, name: 'Kim Example' });
    admin = await messaging.person({ accountId, name: 'Ada Admin', roles: ['admin'] });
    const inbox = await messaging.call(robin, inboxes.create, { body: { kind: 'personal', name: 'Robin' } });
    inboxId = inbox.id;
    contactId = contacts.add(accountId);
    await messaging.call(robin, messageCompose, { body: { inboxId, contactIds: [contactId], text: 'Hello' } });
  });
  const send = (who: Principal, more: Partial<NewMessage> = {}) =>
    messaging.call(who, messageCompose, { body: { inboxId, contactIds: [contactId], text: 'An answer', ...more } });
  const outcome = (call: Promise<unknown>) =>
    call.then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
  const hoursAhead = (hours: number) => new Date(messaging.clock.millis() + hours * HOUR);
  /** What a user sees of the inbox, its conversations and messages, through each operation. */
  const sees = async (who: Principal) => {
    const query = { inboxId };
    const [thread] = (await messaging.call(admin, conversations.list, { query })).items;
    const [message] = (await messaging.call(admin, messageList, { query })).items;
    return {
      inboxes: (await messaging.call(who, inboxes.list)).items.length,
      inbox: await outcome(messaging.call(who, inboxes.get, { params: { id: inboxId } })),
      conversations: (await messaging.call(who, conversations.list, { query })).items.length,
      conversation: await outcome(messaging.call(who, conversations.get, { params: { id: thread!.id } })),
      threads: await outcome(messaging.call(who, inboxConversations, { params: { id: inboxId }, query: {} })),
      messages: (await messaging.call(who, messageList, { query })).items.length,
      message: await outcome(messaging.call(who, messageGet, { params: { id: message!.id } })),
    };
  };
  const ALL = {
    inboxes: 1,
    inbox: 'ok',
    conversations: 1,
    conversation: 'ok',
    threads: 'ok',
    messages: 1,
    message: 'ok',
  };
  const absent = 'not-found';
  const NOTHING = {
    ...{ inboxes: 0, inbox: absent, conversations: 0, conversation: absent, threads: absent, messages: 0 },
    message: absent,
  };

  it('is read by managers, which is reported to the audit trail once an hour for each reader and owner', async () => {
    const reads = await contacts.takesReads();
    const own = (access: { accountId: string }) => access.accountId === robin.accountId;
    const readAll = async () => {
      for (const who of [admin, admin, robin, kim]) {
        await messaging.call(who, conversations.list, { query: { inboxId } });
        await messaging.call(who, messageList, { query: { inboxId } });
      }
      await messaging.service.app.get(InboxReads).drain();
      return reads.filter(own);
    };
    const { accountId, userId: subjectId } = robin;
    const read = { action: 'personal-inbox.read', accountId, actorId: admin.userId, subjectId };
    expect(await readAll()).toEqual([read]);
    expect(await readAll()).toEqual([read]);
    messaging.clock.advance(HOUR);
    expect(await readAll()).toEqual([read, read]);
  });

  it('is visible to its owner and to managers only', async () => {
    expect(await sees(robin)).toEqual(ALL);
    expect(await sees(admin)).toEqual(ALL);
    expect(await sees(kim)).toEqual(NOTHING);
  });

  it('shows a conversation to its assignee', async () => {
    const body = { inboxId, contactId, assignee: kim.userId };
    const { id } = await messaging.call(admin, conversations.create, { body });
    const seen = await messaging.call(kim, conversations.list, { query: { assignee: 'me' } });
    expect(seen.items.map((one) => one.id)).toEqual([id]);
    expect(await outcome(messaging.call(kim, inboxes.get, { params: { id: inboxId } }))).toBe(absent);
  });

  it('shows scheduled messages only to its owner and to managers', async () => {
    const at = hoursAhead(1).toISOString();
    await send(robin, { at });
    const scheduled = async (who: Principal) => (await messaging.call(who, scheduledMessages.list)).items.length;
    expect([await scheduled(robin), await scheduled(admin), await scheduled(kim)]).toEqual([1, 1, 0]);
  });

  describe('with a caretaker', () => {
    it('is visible to the caretaker, who answers in their own name, until the care ends', async () => {
      expect(await outcome(send(kim))).toBe('forbidden');
      await isCaredFor(messaging, robin, { by: kim });
      expect(await sees(kim)).toEqual(ALL);
      const { items } = await send(kim);
      expect(items).toMatchObject([{ inboxId, sentBy: { id: kim.userId } }]);
      await isCaredFor(messaging, robin, { by: null });
      expect(await sees(kim)).toEqual(NOTHING);
      expect(await outcome(send(kim))).toBe('forbidden');
    });

    it('is visible until the care expires, even without an event', async () => {
      await isCaredFor(messaging, robin, { by: kim, until: hoursAhead(2) });
      messaging.clock.advance(2 * HOUR - MINUTE);
      expect(await sees(kim)).toEqual(ALL);
      messaging.clock.advance(MINUTE);
      expect(await sees(kim)).toEqual(NOTHING);
      expect(await outcome(send(kim))).toBe('forbidden');
      messaging.clock.advanceDays(730);
      expect(await sees(kim)).toEqual(NOTHING);
    });

    it('is visible to no other user, and the caretaker sees no other inbox', async () => {
      const { accountId } = robin;
      const lee = await messaging.person({ accountId });
      const theirs = await messaging.call(lee, inboxes.create, { body: { kind: 'personal', name: 'Lee' } });
      await isCaredFor(messaging, robin, { by: kim });
      expect(await sees(lee)).toMatchObject({ inbox: absent, messages: 0 });
      expect(await outcome(messaging.call(kim, inboxes.get, { params: { id: theirs.id } }))).toBe(absent);
      expect(await outcome(send(lee))).toBe('forbidden');
    });

    it('can be used by the caretaker only while its owner is deactivated, and receives messages from new contacts', async () => {
      const stranger = contacts.add(robin.accountId);
      await isCaredFor(messaging, robin, { by: kim });
      await departs(messaging, robin, 'deactivated', { profile: { caretakerId: kim.userId } });
      expect(await sees(kim)).toEqual(ALL);
      expect(await outcome(send(kim))).toBe('ok');
      expect(await outcome(send(kim, { contactIds: [stranger] }))).toBe('ok');
      expect(await outcome(send(admin))).toBe('inactive-user');
      const body = { inboxId, contactId: contacts.add(robin.accountId), text: 'Is anybody there?' };
      expect(await outcome(messaging.call(admin, messageInbound, { body }))).toBe('ok');
      await isCaredFor(messaging, robin, { by: null });
      expect(await outcome(messaging.call(admin, messageInbound, { body: { ...body, contactId: stranger } }))).toBe(
        'ok',
      );
      const late = { ...body, contactId: contacts.add(robin.accountId) };
      expect(await outcome(messaging.call(admin, messageInbound, { body: late }))).toBe('inactive-user');
    });

    it('receives texts to the number of its deactivated owner until the care ends', async () => {
      await isCaredFor(messaging, robin, { by: kim });
      await departs(messaging, robin, 'deactivated', { profile: { caretakerId: kim.userId } });
      const telephony = await AddressBook.open(messaging);
      try {
        await telephony.routesTo(kim.userId, { inboxOwnerId: robin.userId });
        const text = () => ({ to: '+14155550199', contactId: contacts.add(robin.accountId), text: 'Anybody there?' });
        const received = await messaging.call(admin, messageInbound, { body: text() });
        expect(received).toMatchObject({ inboxId, status: 'received' });
        await isCaredFor(messaging, robin, { by: null });
        expect(await outcome(messaging.call(admin, messageInbound, { body: text() }))).toBe('inactive-user');
      } finally {
        await telephony.close();
      }
    });

    it('accepts no scheduled messages while its owner is deactivated, because they would be held', async () => {
      await isCaredFor(messaging, robin, { by: kim });
      const at = hoursAhead(1).toISOString();
      expect(await outcome(send(kim, { at }))).toBe('ok');
      await departs(messaging, robin, 'deactivated', { profile: { caretakerId: kim.userId } });
      expect(await outcome(send(kim, { at }))).toBe('inactive-user');
    });

    it('cannot be used by the caretaker if the departure has deleted its threads', async () => {
      const overrides = { 'messaging.personal-threads': { deactivated: { action: 'delete' as const } } };
      await departs(messaging, robin, 'deactivated', { overrides, profile: { caretakerId: kim.userId } });
      expect(await outcome(send(kim))).toBe('forbidden');
      expect((await messaging.call(admin, messageList, { query: { inboxId } })).items).toEqual([]);
    });

    it('is no longer visible to the caretaker once its owner is deleted', async () => {
      await isCaredFor(messaging, robin, { by: kim });
      await departs(messaging, robin, 'deleted');
      expect(await sees(kim)).toEqual(NOTHING);
      expect(await outcome(send(kim))).toBe('forbidden');
    });
  });
});
