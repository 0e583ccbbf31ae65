import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  campaigns,
  campaignUpdate,
  inboxes,
  messageList,
  type CampaignChanges,
  type NewCampaign,
  type Preset,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { AddressBook } from '../testing/address-book.js';
import { departs } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';

const HOUR = 3_600_000;

describe('campaigns', () => {
  let messaging: TestService;
  let contacts: AddressBook;
  let kim: Principal;
  let admin: Principal;
  beforeAll(async () => {
    messaging = await startMessaging();
    contacts = await AddressBook.open(messaging);
  });
  afterAll(async () => {
    await contacts.close();
    await messaging.stop();
  });
  beforeEach(async () => {
    kim = await messaging.person({ name: 'Kim Example' });
    admin = await messaging.person({ accountId: kim.accountId, roles: ['owner'] });
  });
  const make = (more: Partial<NewCampaign> = {}, who = kim) => {
    const at = new Date(messaging.clock.millis() + HOUR).toISOString();
    return messaging.call(who, campaigns.create, { body: { name: 'Spring', text: 'New in', at, ...more } });
  };
  const read = (id: string) => messaging.call(admin, campaigns.get, { params: { id } });
  const change = (id: string, body: CampaignChanges) => messaging.call(admin, campaignUpdate, { params: { id }, body });
  const isSent = (id: string) => eventually(async () => expect((await read(id)).status).toBe('sent'));
  const messages = async () => (await messaging.call(admin, messageList, { query: { limit: 200 } })).items;

  it('are sent to every contact when they are due', async () => {
    const all = [contacts.add(kim.accountId), contacts.add(kim.accountId)];
    const { id, owner, status } = await make();
    expect([owner.id, status]).toEqual([kim.userId, 'scheduled']);
    messaging.clock.advance(HOUR);
    await isSent(id);
    const sent = await messages();
    expect(sent.map(({ contactId }) => contactId).sort()).toEqual(all);
    expect(sent[0]).toMatchObject({ text: 'New in', sentBy: { id: kim.userId } });
    const inbox = await messaging.call(admin, inboxes.get, { params: { id: sent[0]!.inboxId } });
    expect(inbox).toMatchObject({ kind: 'shared', name: 'Campaigns' });
  });

  it('go to each contact once, over several transactions', async () => {
    for (let n = 0; n < 1_100; n++) contacts.add(kim.accountId);
    const { id } = await make({ at: messaging.clock.now().toISOString() });
    await isSent(id);
    const seen = new Set<string>();
    let count = 0;
    for (let cursor: string | undefined; ;) {
      const page = await messaging.call(admin, messageList, { query: { limit: 200, cursor } });
      for (const { contactId } of page.items) seen.add(contactId);
      count += page.items.length;
      if (!page.nextCursor) break;
      cursor = page.nextCursor;
    }
    expect([count, seen.size]).toEqual([1_100, 1_100]);
  });

  it('use the segment’s definition from the time of creation, even if the segment has been deleted', async () => {
    const [chosen] = [contacts.add(kim.accountId, { phone: '+14155550111' }), contacts.add(kim.accountId)];
    const segmentId = contacts.segment({ phone: '+14155550111' });
    const { id } = await make({ segmentId });
    contacts.forget(segmentId);
    messaging.clock.advance(HOUR);
    await isSent(id);
    expect((await messages()).map(({ contactId }) => contactId)).toEqual([chosen]);
    await expect(make({ segmentId })).rejects.toMatchObject({ code: 'unknown-reference' });
  });

  it('can be changed by anyone until they start, and are sent only if scheduled', async () => {
    contacts.add(kim.accountId);
    const draft = await make({ status: 'draft' });
    const other = await make();
    messaging.clock.advance(HOUR);
    await isSent(other.id);
    expect((await read(draft.id)).status).toBe('draft');
    expect(await change(draft.id, { text: 'Newer', status: 'scheduled' })).toMatchObject({ text: 'Newer' });
    await isSent(draft.id);
    await expect(change(draft.id, { status: 'cancelled' })).rejects.toMatchObject({ code: 'conflict' });
    const stranger = await messaging.person({ roles: ['owner'] });
    const intrusion = messaging.call(stranger, campaignUpdate, { params: { id: other.id }, body: { text: 'Hi' } });
    await expect(intrusion).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are handed over until they start, with the inbox that sends them', async () => {
    const recipient = contacts.add(kim.accountId);
    const lee = await messaging.person({ accountId: kim.accountId, name: 'Lee Example' });
    const mine = await messaging.call(kim, inboxes.create, { body: { kind: 'personal', name: 'Mine' } });
    const { id } = await make({ inboxId: mine.id });
    const give = (by: Principal) =>
      messaging.call(by, campaignUpdate, { params: { id }, body: { ownerId: lee.userId, inboxId: null } });
    await expect(give(lee)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await give(kim)).toMatchObject({ owner: { name: 'Lee Example' }, inboxId: null });
    expect(await change(id, { text: 'Newer' })).toMatchObject({ ownerId: lee.userId });
    messaging.clock.advance(HOUR);
    await isSent(id);
    expect(await messages()).toMatchObject([{ contactId: recipient, text: 'Newer', sentBy: { id: lee.userId } }]);
    await expect(give(admin)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('cannot be created by a user who has left', async () => {
    await departs(messaging, kim, 'deactivated');
    await expect(make()).rejects.toMatchObject({ code: 'inactive-user', details: { items: [kim.userId] } });
  });

  it.each<Preset>(['crm', 'helpdesk', 'texting', 'calls'])(
    'of a leaver are sent on schedule and can still be changed by everyone, with the preset %s',
    async (preset) => {
      contacts.add(kim.accountId);
      const later = new Date(messaging.clock.millis() + 2 * HOUR).toISOString();
      const [first, second] = [await make(), await make({ at: later })];
      await departs(messaging, kim, 'deactivated', { preset });
      expect((await read(first.id)).owner).toEqual({ id: kim.userId, name: 'Robin Example', status: 'deactivated' });
      messaging.clock.advance(HOUR);
      await isSent(first.id);
      await departs(messaging, kim, 'deleted', { preset });
      expect((await change(second.id, { name: 'Summer' })).owner).toMatchObject({ status: 'deleted' });
      messaging.clock.advance(HOUR);
      await isSent(second.id);
      expect((await messages()).length).toBe(2);
    },
  );

  it('of a deleted user have the owner “Unknown” with the preset texting, and “Deleted user” otherwise', async () => {
    const { id } = await make();
    await departs(messaging, kim, 'deleted');
    expect((await read(id)).owner).toEqual({ id: kim.userId, name: 'Deleted user', status: 'deleted' });
    const standIn = await AddressBook.open(messaging);
    try {
      await standIn.presetIs('texting');
      expect((await read(id)).owner).toEqual({ id: kim.userId, name: 'Unknown', status: 'deleted' });
      const { items } = await messaging.call(admin, campaigns.list, { query: { ownerId: kim.userId } });
      expect(items.map(({ owner }) => owner.name)).toEqual(['Unknown']);
      expect((await make({ ownerId: admin.userId }, admin)).owner.name).toBe('Robin Example');
    } finally {
      await standIn.close();
    }
  });

  it('are sent from the shared campaign inbox if the owner of their personal inbox has left', async () => {
    contacts.add(kim.accountId);
    const mine = await messaging.call(kim, inboxes.create, { body: { kind: 'personal', name: 'Mine' } });
    const { id } = await make({ inboxId: mine.id });
    await departs(messaging, kim, 'deleted', { preset: 'texting' });
    messaging.clock.advance(HOUR);
    await isSent(id);
    const [message] = await messages();
    expect(message!.inboxId).not.toBe(mine.id);
  });
});
