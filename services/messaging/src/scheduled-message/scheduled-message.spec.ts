import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  conversations,
  inboxes,
  messageCompose,
  messageList,
  scheduledMessages,
  type NewScheduledMessage,
  type Preset,
  type Principal,
  type ScheduledMessageChanges,
  type ScheduledMessageStatus,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { AddressBook } from '../testing/address-book.js';
import { departs } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';

const HOUR = 3_600_000;

describe('scheduled messages', () => {
  let messaging: TestService;
  let contacts: AddressBook;
  let kim: Principal;
  let admin: Principal;
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
    kim = await messaging.person({ name: 'Kim Example' });
    admin = await messaging.person({ accountId: kim.accountId, roles: ['owner'] });
    contactId = contacts.add(kim.accountId);
  });
  const inAnHour = () => new Date(messaging.clock.millis() + HOUR).toISOString();
  const schedule = (more: Partial<NewScheduledMessage> = {}, who = kim) =>
    messaging.call(who, scheduledMessages.create, {
      body: { contactIds: [contactId], text: 'See you', at: inAnHour(), ...more },
    });
  const status = async (id: string) => (await messaging.call(admin, scheduledMessages.get, { params: { id } })).status;
  const becomes = (id: string, wanted: ScheduledMessageStatus) =>
    eventually(async () => expect(await status(id)).toBe(wanted));
  const messages = async () => (await messaging.call(admin, messageList)).items;
  const sharedInbox = () =>
    messaging.call(kim, inboxes.create, { body: { kind: 'shared', name: 'Support', memberIds: [kim.userId] } });
  /** A message of another user that is due at the same time: once it is sent, all due messages have been sent. */
  const reference = () => schedule({}, admin);

  it('are sent when they are due, not before', async () => {
    const { id, at, owner, scheduledBy } = await schedule();
    expect([owner.id, scheduledBy.id]).toEqual([kim.userId, kim.userId]);
    messaging.clock.advance(HOUR / 2);
    const earlier = await schedule({ at: messaging.clock.now().toISOString() }, admin);
    await becomes(earlier.id, 'sent');
    expect(await status(id)).toBe('scheduled');
    messaging.clock.advance(HOUR);
    await becomes(id, 'sent');
    const [message] = await messages();
    expect(message).toMatchObject({ text: 'See you', contactId, sentBy: { id: kim.userId } });
    expect(Date.parse(message!.createdAt)).toBeGreaterThanOrEqual(Date.parse(at));
  });

  it('are created by composing with a later time, one for each inbox', async () => {
    const assigned = contacts.add(kim.accountId, { assigneeId: kim.userId });
    const body = { contactIds: [contactId, assigned], text: 'Hi', at: inAnHour(), sendAsAssignedUser: true };
    const { items, scheduled, total } = await messaging.call(admin, messageCompose, { body });
    expect({ items, total }).toEqual({ items: [], total: 2 });
    expect(scheduled.map(({ ownerId, contactIds }) => [ownerId, contactIds])).toEqual([
      [kim.userId, [assigned]],
      [admin.userId, [contactId]],
    ]);
    expect(scheduled.map(({ scheduledBy }) => scheduledBy.id)).toEqual([admin.userId, admin.userId]);
    const { items: kims } = await messaging.call(kim, scheduledMessages.list, { query: { ownerId: 'me' } });
    expect(kims).toEqual([scheduled[0]]);
  });

  it('are not sent once they are removed', async () => {
    const { id } = await schedule();
    await messaging.call(kim, scheduledMessages.remove, { params: { id } });
    const other = await reference();
    messaging.clock.advance(HOUR);
    await becomes(other.id, 'sent');
    expect((await messages()).map(({ sentBy }) => sentBy!.id)).toEqual([admin.userId]);
  });

  it('are deleted with their inbox', async () => {
    const { id: inboxId } = await sharedInbox();
    const { id } = await schedule({ inboxId });
    const { items } = await messaging.call(kim, conversations.list, { query: { inboxId } });
    await messaging.call(admin, conversations.remove, { params: { id: items[0]!.id } });
    await messaging.call(admin, inboxes.remove, { params: { id: inboxId } });
    await expect(status(id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are changed, and moved to inboxes in which the caller may write, until they are sent', async () => {
    const { id } = await schedule();
    const lee = await messaging.person({ accountId: kim.accountId });
    const change = (body: ScheduledMessageChanges, by = kim) =>
      messaging.call(by, scheduledMessages.update, { params: { id }, body });
    const { id: inboxId } = await sharedInbox();
    const theirs = await messaging.call(lee, inboxes.create, { body: { kind: 'personal', name: 'Mine' } });
    await expect(change({ inboxId: theirs.id })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(change({ text: 'Mine' }, lee)).rejects.toMatchObject({ code: 'not-found' });
    const at = new Date(messaging.clock.millis() + 2 * HOUR).toISOString();
    expect(await change({ text: 'Later', at })).toMatchObject({ text: 'Later', at, ownerId: kim.userId });
    expect(await change({ inboxId })).toMatchObject({ inboxId, owner: { id: kim.userId } });
    await departs(messaging, kim, 'deactivated');
    messaging.clock.advance(2 * HOUR);
    await becomes(id, 'sent');
    expect(await messages()).toMatchObject([{ inboxId, text: 'Later', contactId }]);
    await expect(change({ text: 'Too late' }, admin)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('that are held are scheduled again by a manager who moves them', async () => {
    const { id } = await schedule();
    const { id: inboxId } = await messaging.call(admin, inboxes.create, { body: { kind: 'personal', name: 'Mine' } });
    await departs(messaging, kim, 'deactivated');
    const params = { id };
    const moved = await messaging.call(admin, scheduledMessages.update, { params, body: { inboxId } });
    expect(moved).toMatchObject({ status: 'scheduled', ownerId: admin.userId, scheduledBy: { id: kim.userId } });
    await departs(messaging, kim, 'active');
    expect(await status(id)).toBe('scheduled');
    messaging.clock.advance(HOUR);
    await becomes(id, 'sent');
  });

  it('cannot be scheduled by a user who has left', async () => {
    await departs(messaging, kim, 'deactivated');
    await expect(schedule()).rejects.toMatchObject({ code: 'inactive-user', details: { items: [kim.userId] } });
  });

  describe('from the personal number of a leaver', () => {
    it('are held while the leaver is deactivated, and not sent late', async () => {
      const [{ id }, other] = [await schedule(), await reference()];
      await departs(messaging, kim, 'deactivated');
      expect(await status(id)).toBe('held');
      messaging.clock.advance(HOUR);
      await becomes(other.id, 'sent');
      await becomes(id, 'missed');
      await departs(messaging, kim, 'active');
      const late = await schedule({ at: messaging.clock.now().toISOString() });
      await becomes(late.id, 'sent');
      expect(await status(id)).toBe('missed');
      expect((await messages()).filter(({ sentBy }) => sentBy!.id === kim.userId).length).toBe(1);
    });

    it('are sent if the leaver is reactivated in time', async () => {
      const { id } = await schedule();
      await departs(messaging, kim, 'deactivated');
      await departs(messaging, kim, 'active');
      await becomes(id, 'scheduled');
      messaging.clock.advance(HOUR);
      await becomes(id, 'sent');
      expect((await messages()).length).toBe(1);
    });

    it.each<Preset>(['crm', 'helpdesk', 'texting', 'calls'])(
      'are cancelled by the deletion, including held ones, with the preset %s',
      async (preset) => {
        const held = await schedule();
        await departs(messaging, kim, 'deactivated', { preset });
        await departs(messaging, kim, 'deleted', { preset });
        expect(await status(held.id)).toBe('cancelled');
        const other = await reference();
        messaging.clock.advance(HOUR);
        await becomes(other.id, 'sent');
        expect(await status(held.id)).toBe('cancelled');
      },
    );

    it('are sent if the policy keeps them, but create no thread that has been deleted', async () => {
      const keep = {
        'messaging.scheduled-messages': { deactivated: { action: 'keep' }, deleted: { action: 'keep' } },
      } as const;
      const { id } = await schedule();
      await departs(messaging, kim, 'deactivated', { overrides: keep });
      messaging.clock.advance(HOUR);
      await becomes(id, 'sent');
      expect((await messages()).length).toBe(1);
      await departs(messaging, kim, 'active');
      const second = await schedule();
      await departs(messaging, kim, 'deleted', { preset: 'texting', overrides: keep });
      messaging.clock.advance(HOUR);
      await becomes(second.id, 'sent');
      expect(await messages()).toEqual([]);
    });

    it('depend on the owner of the number, not on the admin who scheduled them', async () => {
      const inbox = await messaging.call(kim, inboxes.create, { body: { kind: 'personal', name: 'Mine' } });
      const second = await messaging.person({ accountId: kim.accountId, roles: ['admin'] });
      const { id, ownerId } = await schedule({ inboxId: inbox.id }, second);
      expect(ownerId).toBe(kim.userId);
      await departs(messaging, second, 'deleted');
      expect(await status(id)).toBe('scheduled');
      await departs(messaging, kim, 'deactivated');
      expect(await status(id)).toBe('held');
    });
  });

  it.each<Preset>(['crm', 'helpdesk', 'texting', 'calls'])(
    'from a shared inbox are sent even if the user who scheduled them is deleted, with the preset %s',
    async (preset) => {
      const { id: inboxId } = await sharedInbox();
      const { id } = await schedule({ inboxId });
      await departs(messaging, kim, 'deleted', { preset });
      messaging.clock.advance(HOUR);
      await becomes(id, 'sent');
      const [message] = await messages();
      expect(message).toMatchObject({ inboxId, sentBy: { id: kim.userId, name: 'Deleted user' } });
    },
  );
});
