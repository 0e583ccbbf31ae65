import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import {
  callGet,
  callInbound,
  callOutbound,
  calls,
  numberIsOwn,
  numberRelease,
  phoneNumbers,
  type CallQuery,
  type NewPhoneNumber,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { asAnotherProcess, eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { becomes, startTelephony } from '../testing/telephony.js';

const CUSTOMER = '+14155550100';

describe('call history', () => {
  let telephony: TestService;
  let admin: Principal;
  let robin: Principal;
  let issued = 0;
  beforeAll(async () => {
    telephony = await startTelephony();
  });
  afterAll(() => telephony.stop());
  beforeEach(async () => {
    admin = await telephony.person({ roles: ['admin'] });
    robin = await telephony.person({ accountId: admin.accountId });
  });
  const aNumber = (more: Partial<NewPhoneNumber> = {}) => {
    const e164 = `+1415${String(++issued).padStart(7, '0')}`;
    return telephony.call(admin, phoneNumbers.create, { body: { e164, ownerId: robin.userId, ...more } });
  };
  const dial = (to: string, from?: string) => telephony.call(robin, callInbound, { body: { to, from } });
  const callOut = (by: Principal, numberId: string) =>
    telephony.call(by, callOutbound, { body: { numberId, to: CUSTOMER } });
  const history = async (query: CallQuery = {}, by = admin) => (await telephony.call(by, calls, { query })).items;

  it('records each inbound call with the user it was routed to', async () => {
    const number = await aNumber();
    const { callId } = await dial(number.e164, CUSTOMER);
    const anonymous = await dial(number.e164);
    const call = await telephony.call(robin, callGet, { params: { id: callId } });
    expect(call).toMatchObject({
      direction: 'inbound',
      numberId: number.id,
      from: CUSTOMER,
      to: number.e164,
      outcome: 'routed',
      user: { id: robin.userId, name: 'Robin Example' },
    });
    expect((await history())[1]).toEqual(call);
    expect((await history())[0]).toMatchObject({ id: anonymous.callId, from: null });
  });

  it('records unanswered calls without a user', async () => {
    const unassigned = await aNumber({ kind: 'shared', ownerId: undefined });
    await dial(unassigned.e164, CUSTOMER);
    const assigned = await aNumber();
    await becomes(telephony, robin, 'deactivated');
    await dial(assigned.e164, CUSTOMER);
    await telephony.call(admin, numberRelease, { params: { id: unassigned.id }, body: {} });
    await dial(unassigned.e164, CUSTOMER);
    const outcomes = (await history()).map(({ outcome, userId, user }) => ({ outcome, userId, user }));
    const nobody = { userId: null, user: null };
    expect(outcomes).toEqual([
      { outcome: 'no-longer-in-service', ...nobody },
      { outcome: 'voicemail', ...nobody },
      { outcome: 'unassigned', ...nobody },
    ]);
    expect(await history({ userId: 'none' })).toHaveLength(3);
  });

  it('does not route a call to a user who is leaving at that moment', async () => {
    const number = await aNumber();
    const db = telephony.em();
    const waitsForLock = () =>
      eventually(async () => {
        const { rows } = await sql`
          select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
          telephony.em().getKysely(),
        );
        return rows.length > 0;
      });
    let call: Promise<unknown> = Promise.resolve();
    await db.transactional(async (em) => {
      // The same lock that a departure takes.
      await sql`select 1 from directory where user_id = ${robin.userId} for update`.execute(em.getKysely());
      call = asAnotherProcess(() => dial(number.e164, CUSTOMER));
      await waitsForLock();
      await sql`update directory set status = 'deactivated' where user_id = ${robin.userId}`.execute(em.getKysely());
    });
    expect(await call).toMatchObject({ outcome: 'voicemail', user: null });
    expect(await history({ userId: robin.userId })).toEqual([]);
  });

  it('names the user who has left and whose number it was, until it is released', async () => {
    const [kept, quarantined] = [await aNumber(), await aNumber()];
    await sql`
      update phone_number set state = 'quarantined', owner_id = null, destination_user_id = null,
        quarantined_from_id = ${robin.userId}, release_at = ${telephony.clock.now()} where id = ${quarantined.id}`.execute(
      telephony.em().getKysely(),
    );
    expect(await dial(kept.e164)).toMatchObject({ outcome: 'routed', leaverId: null });
    await becomes(telephony, robin, 'deactivated');
    const left = { user: null, inboxOwner: null, leaverId: robin.userId };
    const from = (e164: string) => telephony.call(admin, callInbound, { body: { to: e164 } });
    expect(await from(kept.e164)).toMatchObject({ outcome: 'voicemail', ...left });
    expect(await from(quarantined.e164)).toMatchObject({ outcome: 'unassigned', ...left });
    const { accountId } = admin;
    const isOwn = () => telephony.client.ask(numberIsOwn, { accountId, e164: quarantined.e164 });
    expect(await isOwn()).toEqual({ own: true });
    await telephony.call(admin, numberRelease, { params: { id: quarantined.id }, body: {} });
    expect(await from(quarantined.e164)).toMatchObject({ outcome: 'no-longer-in-service', leaverId: null });
    expect(await isOwn()).toEqual({ own: false });
  });

  it('records each outbound call', async () => {
    const number = await aNumber();
    const call = await callOut(robin, number.id);
    expect(call).toMatchObject({
      direction: 'outbound',
      numberId: number.id,
      from: number.e164,
      to: CUSTOMER,
      outcome: 'placed',
      user: { id: robin.userId },
    });
    await dial(number.e164, CUSTOMER);
    expect(await history({ direction: 'outbound' })).toEqual([call]);
  });

  it('can be filtered by user and by number, with paging', async () => {
    const [mine, shared] = [await aNumber(), await aNumber({ kind: 'shared', ownerId: undefined })];
    const first = await callOut(robin, mine.id);
    const second = await callOut(robin, shared.id);
    const third = await callOut(admin, shared.id);
    expect(await history({ userId: 'me' }, robin)).toEqual([second, first]);
    expect(await history({ userId: admin.userId })).toEqual([third]);
    expect(await history({ numberId: shared.id })).toEqual([third, second]);
    const page = await telephony.call(admin, calls, { query: { limit: 2 } });
    const rest = await telephony.call(admin, calls, { query: { limit: 2, cursor: page.nextCursor! } });
    expect([...page.items, ...rest.items]).toEqual([third, second, first]);
    expect(rest.nextCursor).toBeNull();
  });

  it('keeps the user of a call when they are deactivated, reactivated or deleted', async () => {
    const number = await aNumber();
    const { callId } = await dial(number.e164, CUSTOMER);
    const seen = () => telephony.call(admin, callGet, { params: { id: callId } });
    const { userId: id } = robin;
    await becomes(telephony, robin, 'deactivated');
    expect(await seen()).toMatchObject({
      outcome: 'routed',
      user: { id, name: 'Robin Example', status: 'deactivated' },
    });
    await becomes(telephony, robin, 'active');
    expect(await seen()).toMatchObject({ user: { id, status: 'active' } });
    await becomes(telephony, robin, 'deleted');
    expect(await seen()).toMatchObject({ outcome: 'routed', user: { id, name: 'Deleted user', status: 'deleted' } });
    expect(await history({ userId: id })).toHaveLength(1);
  });

  it('keeps a call when its number is removed', async () => {
    const number = await aNumber();
    const { id } = await callOut(robin, number.id);
    await telephony.call(admin, phoneNumbers.remove, { params: { id: number.id } });
    expect(await history()).toMatchObject([{ id, numberId: null, from: number.e164 }]);
  });

  it('is not visible to another account', async () => {
    const { id } = await callOut(robin, (await aNumber()).id);
    const stranger = await telephony.person();
    await expect(telephony.call(stranger, callGet, { params: { id } })).rejects.toMatchObject({ code: 'not-found' });
    expect(await history({}, stranger)).toEqual([]);
  });

  it('refuses calls by a user who has left, and from a number the user may not use', async () => {
    const mine = await aNumber();
    const gone = await aNumber();
    await telephony.call(admin, numberRelease, { params: { id: gone.id }, body: {} });
    const stranger = await telephony.person();
    await expect(callOut(admin, mine.id)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(callOut(robin, gone.id)).rejects.toMatchObject({ code: 'conflict' });
    await expect(callOut(stranger, mine.id)).rejects.toMatchObject({ code: 'unknown-reference' });
    await becomes(telephony, robin, 'deactivated');
    await expect(callOut(robin, mine.id)).rejects.toMatchObject({ code: 'inactive-user' });
    expect(await history()).toEqual([]);
  });
});
