import { conversations, inboxConversations, inboxes, type NewInbox, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { leaves, startMessaging } from '../testing/messaging.js';

describe('inboxes', () => {
  let messaging: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person();
    kim = await messaging.person({ accountId: robin.accountId, name: 'Kim Example' });
  });
  const make = (more: Partial<NewInbox> = {}) =>
    messaging.call(robin, inboxes.create, { body: { kind: 'shared', name: 'Support', ...more } });
  const converse = (inboxId: string, assignee?: string) =>
    messaging.call(robin, conversations.create, { body: { inboxId, contactId: messaging.ids.next(), assignee } });

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
    await expect(make({ kind: 'personal', ownerId: kim.userId })).rejects.toMatchObject(refused);
    expect((await messaging.call(robin, inboxes.list)).items).toEqual([]);
  });

  it('list their conversations, or only those assigned to the caller', async () => {
    const inbox = await make();
    const elsewhere = await make();
    const [mine, theirs] = [await converse(inbox.id, robin.userId), await converse(inbox.id, kim.userId)];
    await converse(elsewhere.id, robin.userId);
    const listed = async (query: { mine?: boolean }) =>
      (await messaging.call(robin, inboxConversations, { params: { id: inbox.id }, query })).items;
    expect(await listed({})).toEqual([theirs, mine]);
    expect(await listed({ mine: true })).toEqual([mine]);
    expect(await listed({ mine: false })).toEqual([theirs, mine]);
    const stranger = await messaging.person();
    const peek = messaging.call(stranger, inboxConversations, { params: { id: inbox.id } });
    await expect(peek).rejects.toMatchObject({ code: 'not-found' });
  });

  it('can be removed with their members, but not with conversations in them', async () => {
    const inbox = await make({ memberIds: [kim.userId] });
    const { id } = await converse(inbox.id);
    const remove = () => messaging.call(robin, inboxes.remove, { params: { id: inbox.id } });
    await expect(remove()).rejects.toMatchObject({ code: 'conflict' });
    await messaging.call(robin, conversations.remove, { params: { id } });
    await remove();
    expect((await messaging.call(robin, inboxes.list)).items).toEqual([]);
  });
});
