import {
  bulkReassign,
  conversations,
  conversationUpdate,
  type ConversationChanges,
  type ConversationQuery,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { aConversation, leaves, startMessaging } from '../testing/messaging.js';

describe('conversations', () => {
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
    const { accountId } = robin;
    kim = await messaging.person({ accountId, name: 'Kim Example' });
    admin = await messaging.person({ accountId, roles: ['admin'] });
  });
  const ids = async (query: ConversationQuery) =>
    (await messaging.call(robin, conversations.list, { query })).items.map(({ id }) => id);
  const change = (id: string, body: ConversationChanges) =>
    messaging.call(robin, conversationUpdate, { params: { id }, body });

  it('show their assignee as the directory does', async () => {
    const made = await aConversation(messaging, robin, { assignee: kim.userId });
    expect(made).toMatchObject({ status: 'open', assignee: { id: kim.userId, name: 'Kim Example', status: 'active' } });
    await leaves(messaging, kim, 'deleted');
    const { assignee } = await messaging.call(robin, conversations.get, { params: { id: made.id } });
    expect(assignee).toEqual({ id: kim.userId, name: 'Deleted user', status: 'deleted' });
  });

  it('are listed by assignee (including the caller and none) and by status', async () => {
    const mine = await aConversation(messaging, robin, { assignee: robin.userId });
    const theirs = await aConversation(messaging, robin, { assignee: kim.userId, status: 'snoozed' });
    const free = await aConversation(messaging, robin);
    expect(await ids({ assignee: 'me' })).toEqual([mine.id]);
    expect(await ids({ assignee: 'none' })).toEqual([free.id]);
    expect(await ids({ assignee: kim.userId })).toEqual([theirs.id]);
    expect(await ids({ assigneeId: kim.userId })).toEqual([theirs.id]);
    expect(await ids({ status: 'open' })).toEqual([free.id, mine.id]);
  });

  it('must be in an inbox of the account', async () => {
    const elsewhere = await aConversation(messaging, await messaging.person());
    const made = aConversation(messaging, robin, { inboxId: elsewhere.inboxId });
    await expect(made).rejects.toMatchObject({ code: 'unknown-reference', details: { items: [elsewhere.inboxId] } });
  });

  it('can change status and assignee, but cannot be assigned to a user who has left', async () => {
    const { id } = await aConversation(messaging, robin);
    expect(await change(id, { status: 'snoozed', assignee: kim.userId })).toMatchObject({
      status: 'snoozed',
      assignee: { id: kim.userId },
    });
    expect(await change(id, { assignee: null })).toMatchObject({ status: 'snoozed', assignee: null });
    await leaves(messaging, kim, 'deactivated');
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(change(id, { assignee: kim.userId })).rejects.toMatchObject(refused);
    await expect(aConversation(messaging, robin, { assignee: kim.userId })).rejects.toMatchObject(refused);
  });

  it('keep an assignee who has left, and are reopened without one', async () => {
    const { id } = await aConversation(messaging, robin, { assignee: kim.userId });
    await leaves(messaging, kim, 'deactivated');
    expect(await change(id, { status: 'snoozed' })).toMatchObject({ assignee: { id: kim.userId } });
    expect(await change(id, { status: 'closed' })).toMatchObject({ assignee: { id: kim.userId } });
    expect(await change(id, { status: 'open' })).toMatchObject({ status: 'open', assignee: null });
  });

  it('of a user can be reassigned or unassigned in bulk, closed ones only on request', async () => {
    const assignee = kim.userId;
    const closed = await aConversation(messaging, robin, { assignee, status: 'closed' });
    const snoozed = await aConversation(messaging, robin, { assignee, status: 'snoozed' });
    const open = await aConversation(messaging, robin, { assignee });
    await leaves(messaging, kim, 'deactivated');
    const reassign = (filter: { assigneeId: string | null; status?: 'open' | 'closed' }, to: string | null) =>
      messaging.call(admin, bulkReassign, { body: { filter, to } });
    expect(await reassign({ assigneeId: kim.userId }, robin.userId)).toEqual({ reassigned: 2 });
    expect(await ids({ assignee: 'me' })).toEqual([open.id, snoozed.id]);
    expect(await reassign({ assigneeId: kim.userId, status: 'closed' }, null)).toEqual({ reassigned: 1 });
    expect(await ids({ assignee: 'none' })).toEqual([closed.id]);
    expect(await reassign({ assigneeId: robin.userId, status: 'open' }, null)).toEqual({ reassigned: 1 });
    expect(await ids({ assignee: 'none' })).toEqual([open.id, closed.id]);
  });

  it('can be reassigned only by managers or their assignee, only in the account, and not to a user who has left', async () => {
    await aConversation(messaging, robin, { assignee: kim.userId });
    const body = { filter: { assigneeId: kim.userId }, to: robin.userId };
    await expect(messaging.call(robin, bulkReassign, { body })).rejects.toMatchObject({ code: 'forbidden' });
    const stranger = await messaging.person({ roles: ['owner'] });
    const intruder = messaging.call(stranger, bulkReassign, { body: { ...body, to: null } });
    expect(await intruder).toEqual({ reassigned: 0 });
    expect(await messaging.call(kim, bulkReassign, { body })).toEqual({ reassigned: 1 });
    await leaves(messaging, kim, 'deactivated');
    const back = { filter: { assigneeId: robin.userId }, to: kim.userId };
    await expect(messaging.call(admin, bulkReassign, { body: back })).rejects.toMatchObject({ code: 'inactive-user' });
  });
});
