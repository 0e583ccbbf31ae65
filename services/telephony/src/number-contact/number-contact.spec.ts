import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { closeNats, connectNats } from '#libs/broker';
import {
  callInbound,
  callOutbound,
  contactsMoved,
  numberContacts,
  numberContactsAdd,
  numberReassign,
  numberRelease,
  phoneNumbers,
  type ContactsMoved,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { startTelephony } from '../testing/telephony.js';
import { ContactMoves } from './contact-moves.worker.js';

describe('the contacts of a number', () => {
  let telephony: TestService;
  let nats: NatsConnection;
  let admin: Principal;
  let robin: Principal;
  let kim: Principal;
  let issued = 0;
  beforeAll(async () => {
    telephony = await startTelephony();
  });
  afterAll(() => telephony.stop());
  beforeEach(async () => {
    nats = await connectNats({ url: telephony.broker.url, name: 'contacts' });
    admin = await telephony.person({ roles: ['admin'] });
    robin = await telephony.person({ accountId: admin.accountId });
    kim = await telephony.person({ accountId: admin.accountId });
  });
  afterEach(() => closeNats(nats));

  /** Acts as the contacts service. @returns the moves received so far; the list grows */
  async function contactsAnswers(done: (received: ContactsMoved[]) => boolean = () => true): Promise<ContactsMoved[]> {
    const received: ContactsMoved[] = [];
    nats.subscribe(contactsMoved.subject, {
      callback: (_error, message) => {
        received.push(message.json<{ data: ContactsMoved }>().data);
        message.respond(JSON.stringify({ response: { done: done(received) }, isDisposed: true, id: '0' }));
      },
    });
    await nats.flush();
    return received;
  }
  const aNumber = (more: object = {}) =>
    telephony.call(admin, phoneNumbers.create, {
      body: { e164: `+1415${String(++issued).padStart(7, '0')}`, ownerId: robin.userId, ...more },
    });
  const add = (by: Principal, { id }: { id: string }, contactIds: string[]) =>
    telephony.call(by, numberContactsAdd, { params: { id }, body: { contactIds } });
  const contactsOf = async ({ id }: { id: string }) =>
    (await telephony.call(admin, numberContacts, { params: { id } })).items.map(({ contactId }) => contactId);
  const reassign = ({ id }: { id: string }, { userId }: Principal) =>
    telephony.call(admin, numberReassign, { params: { id }, body: { userId } });
  const release = ({ id }: { id: string }, moveContactsTo?: string) =>
    telephony.call(admin, numberRelease, { params: { id }, body: { moveContactsTo } });
  const someContacts = (count: number) => Array.from({ length: count }, () => telephony.ids.next());
  const pendingMoves = async () =>
    (await sql`select 1 from contacts_moved where account_id = ${admin.accountId}`.execute(telephony.em().getKysely()))
      .rows.length;
  const allTold = () => eventually(async () => expect(await pendingMoves()).toBe(0));

  it('are added by inbound calls, outbound calls and by hand, each once', async () => {
    const number = await aNumber();
    const [caller, called, added] = someContacts(3);
    for (const contactId of [caller, caller, undefined]) {
      await telephony.call(robin, callInbound, { body: { to: number.e164, from: '+14155550100', contactId } });
    }
    const call = { numberId: number.id, to: '+14155550100', contactId: called };
    await telephony.call(robin, callOutbound, { body: call });
    expect(await add(robin, number, [added!, caller!])).toEqual({ added: 1 });
    expect(await contactsOf(number)).toEqual([added, called, caller]);
  });

  it('are listed with paging', async () => {
    const number = await aNumber();
    const all = someContacts(3);
    await add(robin, number, all);
    const page = (cursor?: string) =>
      telephony.call(admin, numberContacts, { params: { id: number.id }, query: { limit: 2, cursor } });
    const first = await page();
    const second = await page(first.nextCursor!);
    expect([...first.items, ...second.items].map(({ contactId }) => contactId)).toEqual([...all].reverse());
    expect(second.nextCursor).toBeNull();
  });

  it('can be added by users of the number, and only while it is in use', async () => {
    const number = await aNumber();
    await expect(add(kim, number, someContacts(1))).rejects.toMatchObject({ code: 'forbidden' });
    await add(kim, await aNumber({ kind: 'shared', ownerId: undefined }), someContacts(1));
    await add(admin, number, someContacts(1));
    const stranger = await telephony.person({ roles: ['owner'] });
    await expect(add(stranger, number, someContacts(1))).rejects.toMatchObject({ code: 'not-found' });
    await release(number);
    await expect(add(admin, number, someContacts(1))).rejects.toMatchObject({ code: 'conflict' });
    const contactId = telephony.ids.next();
    await telephony.call(robin, callInbound, { body: { to: number.e164, contactId } });
    expect(await contactsOf(number)).not.toContain(contactId);
  });

  it('go to the new user with the number', async () => {
    const received = await contactsAnswers();
    const number = await aNumber();
    const [one] = someContacts(1);
    await add(robin, number, [one!]);
    await reassign(number, kim);
    await allTold();
    const { accountId } = admin;
    expect(received).toEqual([
      { id: expect.any(String), accountId, contactIds: [one], userId: kim.userId, after: null },
    ]);
    expect(await contactsOf(number)).toEqual([one]);
    await reassign(await aNumber(), kim);
    expect(await pendingMoves()).toBe(0);
  });

  it('are sent in chunks, in the order of the moves', async () => {
    const received = await contactsAnswers();
    const number = await aNumber();
    for (let n = 0; n < 3; n++) await add(robin, number, someContacts(n < 2 ? 500 : 1));
    await reassign(number, kim);
    await reassign(number, robin);
    await allTold();
    const inOrder = [...received].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(inOrder.map(({ userId }) => userId)).toEqual([...Array(3).fill(kim.userId), ...Array(3).fill(robin.userId)]);
    expect(received.map(({ contactIds }) => contactIds.length).sort()).toEqual([1, 1, 500, 500, 500, 500]);
    expect(new Set(received.flatMap(({ contactIds }) => contactIds)).size).toBe(1_001);
  });

  it('move to another number and its owner when their number is released', async () => {
    const received = await contactsAnswers();
    const [number, other] = [await aNumber(), await aNumber({ ownerId: kim.userId })];
    const [both, first, second] = someContacts(3);
    await add(robin, number, [both!, first!]);
    await add(kim, other, [both!, second!]);
    await release(number, other.id);
    await allTold();
    expect(received).toMatchObject([{ contactIds: [both, first], userId: kim.userId }]);
    expect(await contactsOf(other)).toEqual([second, first, both]);
    expect(await contactsOf(number)).toEqual([]);
  });

  it('go to the user who answers a number without an owner, or to nobody', async () => {
    const received = await contactsAnswers();
    const shared = { kind: 'shared', ownerId: undefined };
    for (const destinationUserId of [kim.userId, undefined]) {
      const [number, other] = [await aNumber(), await aNumber({ ...shared, destinationUserId })];
      await add(robin, number, someContacts(1));
      await release(number, other.id);
      await allTold();
    }
    expect(received.map(({ userId }) => userId)).toEqual([kim.userId, null]);
  });

  it('stay with their user when their number is released without a successor', async () => {
    const number = await aNumber();
    await add(robin, number, someContacts(1));
    await release(number);
    expect(await pendingMoves()).toBe(0);
  });

  it('are sent again until the contacts service confirms the move', async () => {
    const number = await aNumber();
    await add(robin, number, someContacts(1));
    await reassign(number, kim);
    const tries = () =>
      sql<{ attempts: number }>`select attempts from contacts_moved where account_id = ${admin.accountId}`.execute(
        telephony.em().getKysely(),
      );
    await eventually(async () => expect((await tries()).rows[0]!.attempts).toBeGreaterThan(0));
    const received = await contactsAnswers((all) => all.length > 1);
    await allTold();
    expect(received).toHaveLength(2);
    expect(received[0]).toEqual(received[1]);
  });

  it('are sent in time although the clock was ahead when the move was rescheduled', async () => {
    const number = await aNumber();
    await add(robin, number, someContacts(1));
    telephony.clock.advance(7_200_000);
    await reassign(number, kim);
    await eventually(async () => expect(await pendingMoves()).toBe(1));
    await telephony.get(ContactMoves).drain();
    telephony.clock.advance(-7_200_000);
    await contactsAnswers(() => true);
    await allTold();
  });
});
