import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  inboxes,
  messageCompose,
  messageInbound,
  messageList,
  type InboundMessage,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { Carrier, CarrierUnavailable, type Parcel } from '../carrier/carrier.js';
import { AddressBook } from '../testing/address-book.js';
import { departs } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';
import { AutoReplySender } from './auto-reply-sender.worker.js';

const NUMBER = '+14155550199';
const OWN = '+14155550198';
const DAY = 86_400_000;

describe('an automatic answer for a user who has left', () => {
  let messaging: TestService;
  let book: AddressBook;
  let admin: Principal;
  let dana: Principal;
  let inboxId: string;
  let text: string | null;
  let sent: Parcel[];
  beforeAll(async () => {
    messaging = await startMessaging();
  });
  afterAll(() => messaging.stop());
  beforeEach(async () => {
    book = await AddressBook.open(messaging);
    admin = await messaging.person({ roles: ['owner'] });
    dana = await messaging.person({ accountId: admin.accountId });
    inboxId = (await messaging.call(dana, inboxes.create, { body: { name: 'Texts', kind: 'personal' } })).id;
    text = 'Dana has left.';
    const until = new Date(messaging.clock.millis() + 2 * DAY).toISOString();
    await book.repliesWith(() => (text === null ? null : { text, until }), [OWN]);
    sent = [];
    jest.spyOn(messaging.get(Carrier), 'hand').mockImplementation(async (parcel) => {
      sent.push(parcel);
      return 'sent';
    });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await book.close();
  });

  const contact = (phone?: string | null) => book.add(admin.accountId, { phone });
  const write = (body: Partial<InboundMessage>) =>
    messaging.call(admin, messageInbound, { body: { contactId: contact(), text: 'Hello?', ...body } });
  const refused = (body: Partial<InboundMessage>, code = 'inactive-user') =>
    expect(write(body)).rejects.toMatchObject({ code });
  const recorded = async () => {
    const { rows } = await sql<{ due: boolean }>`
      select due_at is not null as due from auto_reply where leaver_id = ${dana.userId}`.execute(
      messaging.em().getKysely(),
    );
    return rows;
  };
  /** Waits until what has been recorded is sent or given up. */
  const finished = (count: number) =>
    eventually(async () => {
      const rows = await recorded();
      expect([rows.length, rows.filter(({ due }) => due).length]).toEqual([count, 0]);
    });

  it('is sent once to each contact, from the number in quarantine, though nobody gets the text', async () => {
    await departs(messaging, dana, 'deleted');
    await book.routesTo(null, { leaverId: dana.userId });
    const contactId = contact('+14155550101');
    await refused({ to: NUMBER, contactId }, 'conflict');
    await refused({ to: NUMBER, contactId }, 'conflict');
    await finished(1);
    expect(sent).toEqual([
      { id: expect.any(String), inboxId, from: NUMBER, to: '+14155550101', text: 'Dana has left.' },
    ]);
    expect((await messaging.call(admin, messageList, { query: { contactId } })).items).toEqual([]);
    const { rows } = await sql`select from auto_reply where from_number is not null`.execute(
      messaging.em().getKysely(),
    );
    expect(rows).toEqual([]);
  });

  it('is sent from the personal inbox, whether a conversation goes on or not', async () => {
    const contactId = contact('+14155550102');
    await messaging.call(dana, messageCompose, { body: { inboxId, contactIds: [contactId], text: 'Hello' } });
    await write({ inboxId, contactId });
    await departs(messaging, dana, 'deactivated');
    expect(await write({ inboxId, contactId })).toMatchObject({ status: 'received' });
    await refused({ inboxId, contactId: contact('+14155550103') });
    await finished(2);
    const answers = sent.filter((parcel) => parcel.text === 'Dana has left.');
    expect(answers.map(({ from, to }) => [from, to]).sort()).toEqual([
      [undefined, '+14155550102'],
      [undefined, '+14155550103'],
    ]);
  });

  it('is not sent to machines, numbers of the account, short codes, and contacts without a phone', async () => {
    await departs(messaging, dana, 'deactivated');
    await refused({ inboxId, automatic: true });
    expect(await recorded()).toEqual([]);
    for (const phone of [OWN, '+1234567', null]) await refused({ inboxId, contactId: contact(phone) });
    await finished(3);
    expect(sent).toEqual([]);
  });

  it('is not sent while the policy has none or the user is back, and comes with the next text after that', async () => {
    await departs(messaging, dana, 'deactivated');
    text = null;
    const contactId = contact();
    await refused({ inboxId, contactId });
    await finished(0);
    text = 'Dana has left for good.';
    await refused({ inboxId, contactId });
    await finished(1);
    expect(sent.map((parcel) => parcel.text)).toEqual(['Dana has left for good.']);
    await departs(messaging, dana, 'active');
    await write({ inboxId });
    expect(await recorded()).toHaveLength(1);
  });

  it('is tried again for some minutes', async () => {
    await departs(messaging, dana, 'deactivated');
    const outage = jest.spyOn(messaging.get(Carrier), 'hand').mockRejectedValue(new CarrierUnavailable(503, 0));
    await refused({ inboxId });
    await eventually(() => outage.mock.calls.length === 1);
    await messaging.get(AutoReplySender).drain();
    expect(await recorded()).toEqual([{ due: true }]);
    outage.mockResolvedValue('sent');
    messaging.clock.advance(60_000);
    await messaging.get(AutoReplySender).drain();
    await finished(1);
    expect(new Set(outage.mock.calls.map(([{ id }]) => id)).size).toBe(1);
  });

  it('is sent to twenty contacts a minute', async () => {
    await departs(messaging, dana, 'deactivated');
    for (let n = 0; n < 22; n++) await refused({ inboxId, contactId: contact() });
    await finished(20);
    messaging.clock.advance(61_000);
    await refused({ inboxId });
    await finished(21);
  });

  it('is forgotten when its time is over', async () => {
    await departs(messaging, dana, 'deactivated');
    await refused({ inboxId });
    await finished(1);
    messaging.clock.advance(2 * DAY);
    await messaging.get(AutoReplySender).drain();
    expect(await recorded()).toEqual([]);
  });
});
