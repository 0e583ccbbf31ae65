import {
  conversations,
  inboxConversations,
  inboxes,
  type InboxChanges,
  type NewConversation,
  type NewInbox,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { AddressBook } from '../testing/address-book.js';
import { leaves, startMessaging } from '../testing/messaging.js';

describe('inboxes', () => {
  let messaging: TestService;
  let robin: Principal;
  let kim: Principal;
  let admin: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person();
    kim = await messaging.person({ accountId: robin.accountId, name: 'Kim Example' });
    admin = await messaging.person({ accountId: robin.accountId, roles: ['admin'] });
  });
  const make = (more: Partial<NewInbox> = {}, by = robin) =>
    messaging.call(by, inboxes.create, { body: { kind: 'shared', name: 'Support', ...more } });
  const converse = (inboxId: string, more: Partial<NewConversation> = {}) =>
    messaging.call(robin, conversations.create, { body: { inboxId, contactId: messaging.ids.next(), ...more } });

  it('have an owner if personal and members if shared, shown as in the directory', async () => {
    const personal = await make({ kind: 'personal' });
    expect(personal).toMatchObject({ ownerId: robin.userId, owner: { name: 'Robin Example' }, memberIds: [] });
    const shared = await make({ memberIds: [robin.userId, kim.userId] });
    const members = [{ name: 'Robin Example' }, { id: kim.userId, name: 'Kim Example', status: 'active' }];
    expect(shared).toMatchObject({ ownerId: null, owner: null, memberIds: [robin.userId, kim.userId], members });
    expect((await messaging.call(robin, inboxes.list)).items).toEqual([shared, personal]);
    expect((await messaging.call(robin, inboxes.list, { query: { ownerId: 'me' } })).items).toEqual([personal]);
  });

  it('cannot have both an owner and members', async () => {
    const fault = (field: string) => ({ code: 'validation', details: { errors: [{ field }] } });
    await expect(make({ kind: 'personal', memberIds: [kim.userId] })).rejects.toMatchObject(fault('memberIds'));
    await expect(make({ kind: 'shared', ownerId: kim.userId })).rejects.toMatchObject(fault('ownerId'));
  });

  it('cannot have an owner or members who have left', async () => {
    await leaves(messaging, kim, 'deactivated');
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(make({ memberIds: [robin.userId, kim.userId] })).rejects.toMatchObject(refused);
    await expect(make({ kind: 'personal', ownerId: kim.userId }, admin)).rejects.toMatchObject(refused);
    expect((await messaging.call(robin, inboxes.list)).items).toEqual([]);
  });

  it('list their conversations', async () => {
    const inbox = await make();
    const elsewhere = await make();
    const [first, second] = [await converse(inbox.id, { assignee: robin.userId }), await converse(inbox.id)];
    await converse(elsewhere.id);
    const list = (by: Principal, query: { mine?: boolean }) =>
      messaging.call(by, inboxConversations, { params: { id: inbox.id }, query });
    expect((await list(robin, {})).items).toEqual([second, first]);
    expect((await list(robin, { mine: false })).items).toEqual([second, first]);
    const stranger = await messaging.person();
    for (const query of [{}, { mine: true }])
      await expect(list(stranger, query)).rejects.toMatchObject({ code: 'not-found' });
  });

  describe('list “My Contacts”:', () => {
    let contacts: AddressBook;
    beforeAll(async () => {
      contacts = await AddressBook.open(messaging);
    });
    afterAll(() => contacts.close());
    const contactOf = (assignee?: Principal) => contacts.add(robin.accountId, { assigneeId: assignee?.userId });
    const mineIn = (inboxId: string, query: { limit?: number; cursor?: string } = {}) =>
      messaging.call(robin, inboxConversations, { params: { id: inboxId }, query: { ...query, mine: true } });

    it('conversations with contacts that are assigned to the caller, also if the conversation is assigned to others', async () => {
      const inbox = await make();
      const theirs = await converse(inbox.id, { contactId: contactOf(kim), assignee: robin.userId });
      const assigned = await converse(inbox.id, { contactId: contactOf(robin), assignee: kim.userId });
      const free = await converse(inbox.id, { contactId: contactOf(robin) });
      await converse(inbox.id, { contactId: contactOf(), assignee: robin.userId });
      await converse((await make()).id, { contactId: contactOf(robin) });
      expect(await mineIn(inbox.id)).toEqual({ items: [free, assigned], nextCursor: null });
      const kims = await messaging.call(kim, inboxConversations, { params: { id: inbox.id }, query: { mine: true } });
      expect(kims.items).toEqual([theirs]);
    });

    it('page by page, also when few of many contacts are the caller’s', async () => {
      const inbox = await make();
      const mine: string[] = [];
      for (const count of [3, 700, 5_000]) {
        mine.unshift((await converse(inbox.id, { contactId: contactOf(robin) })).id);
        await conversationsOfOthers(inbox.id, count);
      }
      const first = await mineIn(inbox.id, { limit: 2 });
      const second = await mineIn(inbox.id, { limit: 2, cursor: first.nextCursor! });
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(mine);
      expect([first.items.length, second.nextCursor]).toEqual([2, null]);
    });

    it('fails if the contacts service does not answer', async () => {
      const inbox = await make();
      await converse(inbox.id);
      await contacts.close();
      await expect(mineIn(inbox.id)).rejects.toMatchObject({ code: 'service-unavailable' });
      contacts = await AddressBook.open(messaging);
    });

    /** Many conversations with contacts that are assigned to nobody. */
    async function conversationsOfOthers(inboxId: string, count: number): Promise<void> {
      const ids = Array.from({ length: count }, () => messaging.ids.next());
      await sql`
        insert into conversation (id, account_id, inbox_id, contact_id, status, created_at)
        select n.id, ${robin.accountId}, ${inboxId}, n.id, 'open', ${messaging.clock.now()}
        from unnest(${ids}::uuid[]) as n (id)`.execute(messaging.em().getKysely());
    }
  });

  it('can be removed with their members, but not with conversations in them', async () => {
    const inbox = await make({ memberIds: [robin.userId, kim.userId] });
    const { id } = await converse(inbox.id);
    const remove = (by: Principal) => messaging.call(by, inboxes.remove, { params: { id: inbox.id } });
    await expect(remove(admin)).rejects.toMatchObject({ code: 'conflict' });
    await expect(remove(robin)).rejects.toMatchObject({ code: 'forbidden' });
    const removed = messaging.call(robin, conversations.remove, { params: { id } });
    await expect(removed).rejects.toMatchObject({ code: 'forbidden' });
    await messaging.call(admin, conversations.remove, { params: { id } });
    await remove(admin);
    expect((await messaging.call(robin, inboxes.list)).items).toEqual([]);
  });

  describe('that are shared', () => {
    const seenBy = async (who: Principal) => (await messaging.call(who, inboxes.list)).items.map(({ id }) => id);

    it('are seen by their members and by managers, and by all if they are made without members', async () => {
      const [closed, open] = [await make({ memberIds: [robin.userId] }), await make()];
      expect(await seenBy(robin)).toEqual([open.id, closed.id]);
      expect(await seenBy(admin)).toEqual([open.id, closed.id]);
      expect(await seenBy(kim)).toEqual([open.id]);
      const body = { inboxId: closed.id, contactId: messaging.ids.next(), assignee: kim.userId };
      const made = messaging.call(kim, conversations.create, { body });
      await expect(made).rejects.toMatchObject({ code: 'forbidden' });
      await expect(make({ memberIds: [robin.userId] }, kim)).rejects.toMatchObject({ code: 'forbidden' });
    });

    const change = (id: string, body: InboxChanges, by = admin) =>
      messaging.call(by, inboxes.update, { params: { id }, body });
    const assigneesIn = async (inboxId: string) =>
      (await messaging.call(admin, conversations.list, { query: { inboxId } })).items.map((one) => one.assignee?.id);

    it('get other members from managers, and unassign what the former ones had, also if it is closed', async () => {
      const sam = await messaging.person({ accountId: robin.accountId });
      const { id } = await make({ memberIds: [robin.userId, kim.userId] });
      await converse(id, { assignee: robin.userId });
      await converse(id, { assignee: kim.userId, status: 'closed' });
      await converse(id, { assignee: kim.userId });
      const memberIds = [robin.userId, sam.userId];
      await expect(change(id, { memberIds }, robin)).rejects.toMatchObject({ code: 'forbidden' });
      expect(await change(id, { memberIds, name: 'Sales' })).toMatchObject({ name: 'Sales', memberIds });
      expect(await assigneesIn(id)).toEqual([undefined, undefined, robin.userId]);
      expect([await seenBy(kim), await seenBy(sam)]).toEqual([[], [id]]);
    });

    it('keep members who have left, but not only such', async () => {
      const { id } = await make({ memberIds: [robin.userId, kim.userId] });
      await leaves(messaging, kim, 'deactivated');
      expect(await change(id, { memberIds: [kim.userId, admin.userId] })).toMatchObject({
        memberIds: [kim.userId, admin.userId],
      });
      const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
      await expect(change(id, { memberIds: [kim.userId] })).rejects.toMatchObject(refused);
      await change(id, { memberIds: [admin.userId] });
      await expect(change(id, { memberIds: [kim.userId, admin.userId] })).rejects.toMatchObject(refused);
    });

    it('close to others when they get their first members', async () => {
      const { id } = await make();
      for (const { userId: assignee } of [robin, kim]) await converse(id, { assignee });
      await change(id, { memberIds: [robin.userId] });
      expect([await seenBy(robin), await seenBy(kim)]).toEqual([[id], []]);
      expect(await assigneesIn(id)).toEqual([undefined, robin.userId]);
    });

    it('are told apart from personal ones and from the inbox for campaigns', async () => {
      const mine = await make({ kind: 'personal' });
      expect(await change(mine.id, { name: 'Robin' }, robin)).toMatchObject({ name: 'Robin', ownerId: robin.userId });
      const { id } = await make({ name: 'Campaigns' });
      await expect(change(mine.id, { memberIds: [kim.userId] })).rejects.toMatchObject({ code: 'conflict' });
      await expect(change(id, { name: 'Offers' })).rejects.toMatchObject({ code: 'conflict' });
    });

    it('do not open when their last member is deleted', async () => {
      const { id } = await make({ memberIds: [robin.userId] });
      const db = messaging.em().getKysely();
      await sql`delete from inbox_member where inbox_id = ${id}`.execute(db);
      expect(await seenBy(kim)).toEqual([]);
      // As a replica of the release before makes them.
      await sql`update message_inbox set open_to_all = null where id = ${id}`.execute(db);
      expect(await seenBy(kim)).toEqual([id]);
    });
  });
});
