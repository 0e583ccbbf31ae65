import { conversations, internalNotes, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { aConversation, leaves, startMessaging } from '../testing/messaging.js';

describe('internal notes', () => {
  let messaging: TestService;
  let robin: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person();
  });
  const note = (by: Principal, conversationId: string) =>
    messaging.call(by, internalNotes.create, { body: { conversationId, text: 'Asks for a discount' } });

  it('keep their author, who is finally shown as a deleted user', async () => {
    const { id: conversationId } = await aConversation(messaging, robin);
    const kim = await messaging.person({ accountId: robin.accountId, name: 'Kim Example' });
    const { id, author } = await note(kim, conversationId);
    expect(author).toEqual({ id: kim.userId, name: 'Kim Example', status: 'active' });
    await leaves(messaging, kim, 'deleted');
    const left = await messaging.call(robin, internalNotes.get, { params: { id } });
    expect(left).toMatchObject({ text: 'Asks for a discount', author: { name: 'Deleted user', status: 'deleted' } });
    await expect(note(kim, conversationId)).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it('are listed by conversation, and kept when it is removed', async () => {
    const { id: conversationId } = await aConversation(messaging, robin);
    const { id: another } = await aConversation(messaging, robin);
    const [made] = [await note(robin, conversationId), await note(robin, another)];
    const listed = async () => (await messaging.call(robin, internalNotes.list, { query: { conversationId } })).items;
    expect(await listed()).toEqual([made]);
    const admin = await messaging.person({ accountId: robin.accountId, roles: ['admin'] });
    await messaging.call(admin, conversations.remove, { params: { id: conversationId } });
    expect(await listed()).toEqual([]);
    const kept = await messaging.call(robin, internalNotes.get, { params: { id: made.id } });
    expect(kept).toEqual({ ...made, conversationId: null });
  });

  it('must be about a conversation of the account', async () => {
    const { id } = await aConversation(messaging, robin);
    const stranger = await messaging.person();
    await expect(note(stranger, id)).rejects.toMatchObject({ code: 'unknown-reference', details: { items: [id] } });
  });
});
