import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  conversations,
  conversationUpdate,
  inboxes,
  messageCompose,
  messageDelivery,
  messageGet,
  messageInbound,
  messageList,
  messageRemove,
  type MessageQuery,
  type NewMessage,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { AddressBook } from '../testing/address-book.js';
import { departs } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';

describe('messages', () => {
  let messaging: TestService;
  let contacts: AddressBook;
  let robin: Principal;
  let kim: Principal;
  let admin: Principal;
  let accountId: string;
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
    accountId = robin.accountId;
    kim = await messaging.person({ accountId, name: 'Kim Example' });
    admin = await messaging.person({ accountId, name: 'Ada Admin', roles: ['admin'] });
    await messaging.person({ accountId, name: 'Who takes over', roles: ['owner'] });
  });
  const compose = (who: Principal, body: Partial<NewMessage>) =>
    messaging.call(who, messageCompose, { body: { text: 'Hello', ...body } });
  const list = async (query: MessageQuery = {}) => (await messaging.call(admin, messageList, { query })).items;
  const anInbox = (who: Principal, more: object = {}) =>
    messaging.call(who, inboxes.create, { body: { kind: 'personal', name: 'Mine', ...more } });
  const shared = () => anInbox(robin, { kind: 'shared' });
  /** Waits until no message is queued any more, and returns the statuses. */
  const settled = (messages: readonly { id: string }[]) =>
    eventually(async () => {
      const read = messages.map(({ id }) => messaging.call(admin, messageGet, { params: { id } }));
      const statuses = (await Promise.all(read)).map(({ status }) => status);
      return !statuses.includes('queued') && statuses;
    });

  it('are added to the conversation with each contact, which is created if necessary', async () => {
    const { id: inboxId } = await shared();
    const [known, stranger] = [contacts.add(accountId), contacts.add(accountId)];
    const { id } = await messaging.call(robin, conversations.create, { body: { inboxId, contactId: known } });
    const { total, items, scheduled } = await compose(robin, { inboxId, contactIds: [known, stranger] });
    expect({ total, scheduled }).toEqual({ total: 2, scheduled: [] });
    expect(items.map(({ contactId }) => contactId)).toEqual([known, stranger]);
    expect(items[0]).toMatchObject({ conversationId: id, inboxId, text: 'Hello', direction: 'outbound' });
    expect(items[0]!.sentBy).toEqual({ id: robin.userId, name: 'Robin Example', status: 'active' });
    await compose(robin, { inboxId, contactIds: [stranger] });
    const there = await list({ conversationId: items[1]!.conversationId });
    expect(there.map(({ contactId }) => contactId)).toEqual([stranger, stranger]);
    expect((await list({ inboxId })).length).toBe(3);
    expect((await list({ sentBy: robin.userId })).length).toBe(3);
    expect(await list({ sentBy: kim.userId })).toEqual([]);
  });

  it('are sent from the caller’s personal inbox by default', async () => {
    const contactIds = [contacts.add(accountId)];
    const [first] = (await compose(robin, { contactIds })).items;
    const [second] = (await compose(robin, { contactIds })).items;
    expect(second!.conversationId).toBe(first!.conversationId);
    const inbox = await messaging.call(robin, inboxes.get, { params: { id: first!.inboxId } });
    expect(inbox).toMatchObject({ kind: 'personal', ownerId: robin.userId });
  });

  it('are handed to the carrier, and fail without a number', async () => {
    const [reachable, unreachable] = [contacts.add(accountId), contacts.add(accountId, { phone: null })];
    const { items } = await compose(robin, { contactIds: [reachable, unreachable] });
    expect(await settled(items)).toEqual(['delivered', 'failed']);
  });

  it('are addressed to contacts or to a segment, but not to both, to none or to unknown ones', async () => {
    const contactIds = [contacts.add(accountId, { phone: '+14155550111' }), contacts.add(accountId)];
    const segmentId = contacts.segment({ phone: '+14155550111' });
    expect((await compose(robin, { segmentId })).items.map(({ contactId }) => contactId)).toEqual([contactIds[0]]);
    await expect(compose(robin, { segmentId, contactIds })).rejects.toMatchObject({ code: 'validation' });
    await expect(compose(robin, {})).rejects.toMatchObject({ code: 'validation' });
    const foreign = contacts.add(messaging.ids.next());
    await expect(compose(robin, { contactIds: [...contactIds, foreign] })).rejects.toMatchObject({
      code: 'unknown-reference',
      details: { items: [foreign] },
    });
    await expect(compose(robin, { segmentId: foreign })).rejects.toMatchObject({ code: 'unknown-reference' });
  });

  it('are not composed again under the same idempotency key', async () => {
    contacts.add(accountId, { phone: '+14155550112' });
    const segmentId = contacts.segment({ phone: '+14155550112' });
    const call = { body: { text: 'Hello', segmentId }, idempotency: { key: messaging.ids.next(), digest: 'same' } };
    const composed = await messaging.call(robin, messageCompose, call);
    contacts.forget(segmentId);
    expect(await messaging.call(robin, messageCompose, call)).toEqual(composed);
    await expect(compose(robin, { segmentId })).rejects.toMatchObject({ code: 'unknown-reference' });
    expect((await list()).length).toBe(1);
  });

  it('can be limited to the caller’s own contacts, and fail if there are none', async () => {
    const mine = contacts.add(accountId, { assigneeId: robin.userId });
    const contactIds = [mine, contacts.add(accountId, { assigneeId: kim.userId }), contacts.add(accountId)];
    const { items } = await compose(robin, { contactIds, onlyMyContacts: true });
    expect(items.map(({ contactId }) => contactId)).toEqual([mine]);
    const none = compose(admin, { contactIds, onlyMyContacts: true });
    await expect(none).rejects.toMatchObject({ code: 'no-assigned-contacts' });
  });

  it('can be sent from another user’s personal inbox only by managers', async () => {
    const { id: inboxId } = await anInbox(kim);
    const contactIds = [contacts.add(accountId)];
    await expect(compose(robin, { inboxId, contactIds })).rejects.toMatchObject({ code: 'forbidden' });
    expect((await compose(admin, { inboxId, contactIds })).items[0]!.sentBy).toMatchObject({ id: admin.userId });
    const elsewhere = await messaging.person({ roles: ['owner'] });
    await expect(compose(elsewhere, { inboxId, contactIds })).rejects.toMatchObject({ code: 'unknown-reference' });
  });

  it('cannot be sent from the inbox of a user who has left', async () => {
    const { id: inboxId } = await anInbox(kim);
    const contactIds = [contacts.add(accountId)];
    await departs(messaging, kim, 'deactivated');
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(compose(admin, { inboxId, contactIds })).rejects.toMatchObject(refused);
    await expect(compose(kim, { contactIds })).rejects.toMatchObject(refused);
    const converse = { inboxId, contactId: contactIds[0]! };
    await expect(messaging.call(admin, conversations.create, { body: converse })).rejects.toMatchObject(refused);
    await departs(messaging, kim, 'active');
    expect((await compose(kim, { contactIds })).total).toBe(1);
  });

  describe('that an admin sends as the assigned user', () => {
    it('require an owner or admin', async () => {
      const attempt = compose(robin, { contactIds: [contacts.add(accountId)], sendAsAssignedUser: true });
      await expect(attempt).rejects.toMatchObject({ code: 'forbidden' });
    });

    it('are in the inbox of each active assigned user, and the rest in the named inbox', async () => {
      const gone = await messaging.person({ accountId });
      await departs(messaging, gone, 'deactivated');
      const contactIds = [
        contacts.add(accountId, { assigneeId: kim.userId }),
        contacts.add(accountId),
        contacts.add(accountId, { assigneeId: gone.userId }),
      ];
      const { id: inboxId } = await shared();
      const { total, items } = await compose(admin, { inboxId, contactIds, sendAsAssignedUser: true });
      expect(total).toBe(3);
      const inboxOf = new Map(items.map((item) => [item.contactId, item.inboxId]));
      const kims = await messaging.call(kim, inboxes.get, { params: { id: inboxOf.get(contactIds[0]!)! } });
      expect(kims).toMatchObject({ kind: 'personal', ownerId: kim.userId });
      expect([inboxOf.get(contactIds[1]!), inboxOf.get(contactIds[2]!)]).toEqual([inboxId, inboxId]);
      expect(items.map(({ sentBy }) => sentBy!.id)).toEqual([admin.userId, admin.userId, admin.userId]);
    });

    it('stay when the admin is deleted, and are deleted with the assigned user', async () => {
      const contactIds = [contacts.add(accountId, { assigneeId: kim.userId })];
      await compose(admin, { contactIds, sendAsAssignedUser: true });
      const own = (await compose(admin, { contactIds: [contacts.add(accountId)] })).items[0]!;
      await departs(messaging, admin, 'deleted', { preset: 'texting' });
      const left = await list();
      expect(left.map(({ contactId }) => contactId)).toEqual(contactIds);
      expect(left[0]!.sentBy).toEqual({ id: admin.userId, name: 'Deleted user', status: 'deleted' });
      expect(left.map(({ id }) => id)).not.toContain(own.id);
      await departs(messaging, kim, 'deleted', { preset: 'texting' });
      expect(await list()).toEqual([]);
    });
  });

  describe('in the personal inbox of a leaver', () => {
    const talk = async () => {
      const { id: inboxId } = await shared();
      const contactIds = [contacts.add(accountId)];
      const own = (await compose(kim, { contactIds })).items[0]!;
      const ofTeam = (await compose(kim, { inboxId, contactIds })).items[0]!;
      const ofOther = (await compose(robin, { contactIds })).items[0]!;
      return { own, ofTeam, ofOther };
    };
    const left = async () => (await list()).map(({ id }) => id).sort();

    it.each(['crm', 'helpdesk', 'calls'] as const)('are kept with the preset %s', async (preset) => {
      const { own, ofTeam, ofOther } = await talk();
      await departs(messaging, kim, 'deleted', { preset });
      expect(await left()).toEqual([own.id, ofTeam.id, ofOther.id].sort());
      const { sentBy } = await messaging.call(admin, messageGet, { params: { id: own.id } });
      expect(sentBy).toEqual({ id: kim.userId, name: 'Deleted user', status: 'deleted' });
    });

    it('are deleted by a deletion but not by a deactivation with the preset texting, and no other messages are', async () => {
      const { own, ofTeam, ofOther } = await talk();
      await departs(messaging, kim, 'deactivated', { preset: 'texting' });
      expect(await left()).toContain(own.id);
      await departs(messaging, kim, 'deleted', { preset: 'texting' });
      expect(await left()).toEqual([ofTeam.id, ofOther.id].sort());
      const { items } = await messaging.call(admin, conversations.list, { query: { inboxId: own.inboxId } });
      expect(items).toEqual([]);
      const gone = messaging.call(admin, messageGet, { params: { id: own.id } });
      await expect(gone).rejects.toMatchObject({ code: 'not-found' });
    });

    it('do not come back when a contact answers', async () => {
      const { own } = await talk();
      const answer = () =>
        messaging.call(admin, messageInbound, {
          body: { inboxId: own.inboxId, contactId: own.contactId, text: 'Thanks' },
        });
      await departs(messaging, kim, 'deactivated', { preset: 'texting' });
      expect(await answer()).toMatchObject({ conversationId: own.conversationId, status: 'received', sentBy: null });
      await departs(messaging, kim, 'deleted', { preset: 'texting' });
      await expect(answer()).rejects.toMatchObject({ code: 'inactive-user', details: { items: [kim.userId] } });
    });
  });

  describe('from contacts', () => {
    const write = (inboxId: string, contactId: string) =>
      messaging.call(admin, messageInbound, { body: { inboxId, contactId, text: 'Hello?' } });

    it('reopen a closed conversation, unassigned if its assignee has left', async () => {
      const { id: inboxId } = await shared();
      for (const assignee of [robin, kim]) {
        const body = { inboxId, contactId: contacts.add(accountId), assignee: assignee.userId };
        const { id, contactId } = await messaging.call(robin, conversations.create, { body });
        await messaging.call(robin, conversationUpdate, { params: { id }, body: { status: 'closed' } });
        if (assignee === kim) await departs(messaging, kim, 'deleted');
        expect(await write(inboxId, contactId)).toMatchObject({ conversationId: id, direction: 'inbound' });
        const after = await messaging.call(robin, conversations.get, { params: { id } });
        expect([after.status, after.assignee?.id]).toEqual(['open', assignee === kim ? undefined : robin.userId]);
      }
    });

    it('to a number go to the personal inbox of the user it is routed to', async () => {
      const contactId = contacts.add(accountId);
      const body = { to: '+14155550199', contactId, text: 'Hello?' };
      for (const userId of [kim.userId, null]) {
        const standIn = await AddressBook.open(messaging);
        try {
          await standIn.routesTo(userId);
          const received = messaging.call(admin, messageInbound, { body });
          if (!userId) return await expect(received).rejects.toMatchObject({ code: 'conflict' });
          const inbox = await messaging.call(kim, inboxes.get, { params: { id: (await received).inboxId } });
          expect(inbox).toMatchObject({ kind: 'personal', ownerId: kim.userId });
        } finally {
          await standIn.close();
        }
      }
    });

    it('to a number are routed once, under the idempotency key of the call', async () => {
      const standIn = await AddressBook.open(messaging);
      try {
        await standIn.routesTo(kim.userId);
        const body = { to: '+14155550198', contactId: contacts.add(accountId), text: 'Hello?' };
        const call = { body, idempotency: { key: messaging.ids.next(), digest: 'same' } };
        const received = await messaging.call(admin, messageInbound, call);
        expect(await messaging.call(admin, messageInbound, call)).toEqual(received);
        expect(standIn.routed).toEqual([`${messageInbound.id} ${call.idempotency.key}`]);
      } finally {
        await standIn.close();
      }
    });

    it('must name an inbox or a number', async () => {
      const attempt = messaging.call(admin, messageInbound, { body: { contactId: robin.userId, text: 'Hello?' } });
      await expect(attempt).rejects.toMatchObject({ code: 'validation' });
    });
  });

  it('accept one delivery report from the carrier', async () => {
    const { items } = await compose(robin, { contactIds: [contacts.add(accountId)] });
    const report = (status: 'delivered' | 'failed') =>
      messaging.call(admin, messageDelivery, { params: { id: items[0]!.id }, body: { status } });
    await settled(items);
    expect((await report('delivered')).status).toBe('delivered');
    await expect(report('failed')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('can be removed, but not by another account', async () => {
    const { items } = await compose(robin, { contactIds: [contacts.add(accountId)] });
    const params = { id: items[0]!.id };
    const stranger = await messaging.person();
    await expect(messaging.call(stranger, messageRemove, { params })).rejects.toMatchObject({ code: 'not-found' });
    await messaging.call(robin, messageRemove, { params });
    expect(await list()).toEqual([]);
  });
});
