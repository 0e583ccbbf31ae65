import { conversations, csatResponses, type NewCsatResponse, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { aConversation, leaves, startMessaging } from '../testing/messaging.js';

describe('customer satisfaction responses', () => {
  let messaging: TestService;
  let robin: Principal;
  let kim: Principal;
  let conversationId: string;
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    robin = await messaging.person({ roles: ['admin'] });
    kim = await messaging.person({ accountId: robin.accountId, name: 'Kim Example' });
    ({ id: conversationId } = await aConversation(messaging, robin, { assignee: kim.userId }));
  });
  const answer = (more: Partial<NewCsatResponse> = {}) =>
    messaging.call(robin, csatResponses.create, { body: { conversationId, score: 5, ...more } });
  const read = (id: string) => messaging.call(robin, csatResponses.get, { params: { id } });

  it('are about the conversation’s assignee, unless another agent or none is named', async () => {
    const handled = await answer({ comment: 'Very quick' });
    const byKim = { agentId: kim.userId, agent: { name: 'Kim Example' } };
    expect(handled).toMatchObject({ conversationId, score: 5, comment: 'Very quick', ...byKim });
    const named = await answer({ score: 1, agentId: robin.userId });
    expect(named).toMatchObject({ score: 1, comment: null, agent: { name: 'Robin Example' } });
    const ofNobody = await answer({ agentId: null });
    expect(ofNobody).toMatchObject({ agentId: null, agent: null });
    const listed = async (query: object) => (await messaging.call(robin, csatResponses.list, { query })).items;
    expect(await listed({ conversationId })).toEqual([ofNobody, named, handled]);
    expect(await listed({ agentId: kim.userId })).toEqual([handled]);
    expect(await listed({ agentId: 'none' })).toEqual([ofNobody]);
  });

  it('stay with an agent who is deleted, shown as the directory does', async () => {
    const { id } = await answer({ comment: 'Very quick' });
    await leaves(messaging, kim, 'deactivated');
    expect(await read(id)).toMatchObject({ agent: { name: 'Kim Example', status: 'deactivated' } });
    await leaves(messaging, kim, 'deleted');
    const agent = { id: kim.userId, name: 'Deleted user', status: 'deleted' };
    expect(await read(id)).toMatchObject({ score: 5, comment: 'Very quick', agent });
  });

  it('that arrive after the agent has left are recorded without an agent', async () => {
    await leaves(messaging, kim, 'deactivated');
    expect(await answer()).toMatchObject({ score: 5, agentId: null });
    await expect(answer({ agentId: kim.userId })).rejects.toMatchObject({ code: 'inactive-user' });
  });

  it('are kept when their conversation is removed', async () => {
    const { id } = await answer();
    await messaging.call(robin, conversations.remove, { params: { id: conversationId } });
    expect(await read(id)).toMatchObject({ conversationId: null, score: 5, agentId: kim.userId });
  });

  it('must be about a conversation of the account', async () => {
    const stranger = await messaging.person();
    const intrusion = messaging.call(stranger, csatResponses.create, { body: { conversationId, score: 1 } });
    await expect(intrusion).rejects.toMatchObject({ code: 'unknown-reference', details: { items: [conversationId] } });
  });
});
