import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { closeNats, connectNats } from '#libs/broker';
import { contactsNamed, contactsToTell, departurePreview, rulesList, type Ask, type Principal } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { ownerOf, TestIdentity } from '../testing/identity.js';
import { Peer } from '../testing/peer.js';

describe('the contacts to tell in a preview', () => {
  let identity: TestIdentity;
  let messaging: Peer;
  let nats: NatsConnection;
  let owner: Principal;
  let leaverId: string;
  beforeAll(async () => {
    identity = await TestIdentity.start({ silent: false });
    messaging = await Peer.start(identity, 'messaging');
    owner = ownerOf(await identity.anAccount());
    await eventually(async () => {
      const { items } = await identity.call(rulesList, { principal: owner });
      expect(items.some((rule) => rule.service === 'messaging')).toBe(true);
    });
  });
  afterAll(async () => {
    await messaging?.stop();
    await identity?.stop();
  });
  beforeEach(async () => {
    nats = await connectNats({ url: identity.broker.url, name: 'stand-ins' });
    leaverId = (await identity.aUser(owner)).id;
  });
  afterEach(() => closeNats(nats));

  /** Replaces the asked service. @returns the requests that it has received */
  async function answers<Request, Answer>({ subject }: Ask<Request, Answer>, answer: Answer): Promise<Request[]> {
    const asked: Request[] = [];
    nats.subscribe(subject, {
      callback: (_error, message) => {
        asked.push(message.json<{ data: Request }>().data);
        message.respond(JSON.stringify({ response: answer, isDisposed: true, id: '0' }));
      },
    });
    await nats.flush();
    return asked;
  }
  const preview = () =>
    identity.call(departurePreview, {
      principal: owner,
      params: { id: leaverId },
      query: { transition: 'deactivated' },
    });

  const lastMessageAt = '2026-05-04T03:02:01.000Z';
  const [ada, gone] = ['0190163d-8694-739b-aea5-966c26f8ad91', '0190163d-8694-739b-aea5-966c26f8ad92'] as const;
  const both = { contacts: [ada, gone].map((contactId) => ({ contactId, lastMessageAt })), total: 123 };

  it('have names and phone numbers from the contacts service', async () => {
    const askedMessaging = await answers(contactsToTell, both);
    const askedContacts = await answers(contactsNamed, { contacts: [{ id: ada, name: 'Ada', phone: '+14155550100' }] });
    expect(await preview()).toMatchObject({
      contactsToTell: [
        { contactId: ada, name: 'Ada', phone: '+14155550100', lastMessageAt },
        { contactId: gone, name: null, phone: null, lastMessageAt },
      ],
      contactsToTellTotal: 123,
    });
    const { accountId } = owner;
    expect(askedMessaging).toEqual([{ accountId, userId: leaverId }]);
    expect(askedContacts).toEqual([{ accountId, contactIds: [ada, gone] }]);
  });

  it('are empty without contacts, and the contacts service is not asked', async () => {
    await answers(contactsToTell, { contacts: [], total: 0 });
    expect(await preview()).toMatchObject({ contactsToTell: [], contactsToTellTotal: 0 });
  });

  it('are required: the preview fails if messaging or contacts does not answer', async () => {
    const unavailable = (service: string) => ({ code: 'service-unavailable', details: { service } });
    await expect(preview()).rejects.toMatchObject(unavailable('messaging'));
    await answers(contactsToTell, both);
    await expect(preview()).rejects.toMatchObject(unavailable('contacts'));
  });
});
