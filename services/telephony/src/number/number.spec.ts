import { describe, it, expect, beforeAll, beforeEach, afterAll, afterEach } from '@jest/globals';
import {
  callInbound,
  callOutbound,
  confirmNumber,
  numberReassign,
  numberRelease,
  numberRestore,
  numbersForTelling,
  phoneNumbers,
  type PhoneNumber as PhoneNumberView,
  type Principal,
} from '#libs/contracts';
import { EventProcessor } from '#libs/lifecycle';
import { TestService } from '#libs/platform/testing';
import { buildUserEvent } from '#libs/test-kit';
import { sql } from 'kysely';
import { TelephonyConfig } from '../telephony.config.js';
import { migrations, TelephonyModule } from '../telephony.module.js';
import { becomes } from '../testing/telephony.js';
import { PhoneNumber } from './number.entity.js';

let telephony: TestService;
let admin: Principal;
let robin: Principal;
let issued = 0;
const anE164 = () => `+1415${String(++issued).padStart(7, '0')}`;

beforeAll(async () => {
  telephony = await TestService.start({
    name: 'telephony',
    module: TelephonyModule,
    migrations,
    config: TelephonyConfig,
  });
});
afterAll(() => telephony.stop());
beforeEach(async () => {
  admin = await telephony.person({ roles: ['admin'] });
  robin = await telephony.person({ accountId: admin.accountId });
});

const create = (more: object = {}) =>
  telephony.call(admin, phoneNumbers.create, { body: { e164: anE164(), ownerId: robin.userId, ...more } });
const dial = (to: string, caller = robin) =>
  telephony.call(caller, callInbound, { body: { to, from: '+14155550100' } });
const restore = (id: string, ownerId: string) =>
  telephony.call(admin, numberRestore, { params: { id }, body: { ownerId } });
const release = (id: string, body: { moveContactsTo?: string } = {}) =>
  telephony.call(admin, numberRelease, { params: { id }, body });
const reassign = (id: string, userId: string) =>
  telephony.call(admin, numberReassign, { params: { id }, body: { userId } });

/** A number in quarantine, as its owner's departure leaves it. */
async function quarantined(): Promise<PhoneNumberView> {
  const number = await create();
  const taken = { ownerId: null, destinationUserId: null, quarantinedFromId: robin.userId };
  const changes = { ...taken, state: 'quarantined' as const, releaseAt: telephony.clock.now() };
  await telephony.em().nativeUpdate(PhoneNumber, { id: number.id }, changes);
  return number;
}

/** Deactivates a user under a policy that keeps everything. */
async function deactivate(person: Principal): Promise<void> {
  const rules = {
    'telephony.numbers': { deactivated: { action: 'keep' as const } },
    'telephony.call-routing': { deactivated: { action: 'keep' as const } },
  };
  const event = buildUserEvent(telephony, 'user.deactivated', person, {
    departure: { policy: { preset: 'crm', version: 1, rules } },
  });
  const [receipt] = await telephony.get(EventProcessor).apply([event]);
  expect(receipt!.rules).toMatchObject([{ rule: 'telephony.numbers', affected: 1 }, { affected: 0 }]);
}

describe('a phone number', () => {
  it('is assigned to its owner, who answers it', async () => {
    const number = await create();
    expect(number).toMatchObject({
      kind: 'personal',
      state: 'assigned',
      owner: { id: robin.userId, status: 'active' },
      destinationUserId: robin.userId,
      releaseAt: null,
    });
    expect(await telephony.call(robin, phoneNumbers.get, { params: { id: number.id } })).toEqual(number);
    expect((await telephony.call(robin, phoneNumbers.list, { query: { ownerId: 'me' } })).items).toEqual([number]);
  });

  it('has no owner if it is shared', async () => {
    const shared = { e164: anE164(), kind: 'shared' as const };
    const number = await telephony.call(admin, phoneNumbers.create, { body: shared });
    expect(number).toMatchObject({ ownerId: null, owner: null, destinationUserId: null });
    await expect(create({ kind: 'shared' })).rejects.toMatchObject({ code: 'validation' });
  });

  it('can be in use only once in an account until it is released', async () => {
    const { id, e164 } = await create();
    await expect(create({ e164 })).rejects.toMatchObject({ code: 'conflict' });
    await release(id);
    expect(await create({ e164 })).toMatchObject({ state: 'assigned', ownerId: robin.userId });
  });

  describe('that two accounts have entered', () => {
    let stranger: Principal;
    let e164: string;
    const confirm = ({ accountId }: Principal) => telephony.client.ask(confirmNumber, { accountId, e164 });
    const numberOf = async (who: Principal) =>
      (await telephony.call(who, phoneNumbers.list, { query: { e164 } })).items[0]!;
    const requireConfirmation = (required: boolean) => {
      telephony.get(TelephonyConfig).numbersRequireConfirmation = required;
    };
    beforeEach(async () => {
      stranger = await telephony.person({ roles: ['admin'] });
      ({ e164 } = await create());
      await telephony.call(stranger, phoneNumbers.create, { body: { e164 } });
      requireConfirmation(true);
    });
    afterEach(() => requireConfirmation(false));

    it('tells neither of the other', async () => {
      const [ours, theirs] = [await numberOf(robin), await numberOf(stranger)];
      for (const number of [ours, theirs]) expect(number).toMatchObject({ state: 'assigned', verifiedAt: null });
      await confirm(stranger);
      expect(await numberOf(robin)).toEqual(ours);
    });

    it('is routed to the account for which the carrier has confirmed it', async () => {
      await expect(dial(e164)).rejects.toMatchObject({ code: 'not-found' });
      expect(await confirm(robin)).toMatchObject({ moved: false });
      expect(await dial(e164)).toMatchObject({ outcome: 'routed', user: { id: robin.userId } });
      await expect(dial(e164, stranger)).rejects.toMatchObject({ code: 'not-found' });
      const call = { numberId: (await numberOf(stranger)).id, to: '+14155550100' };
      await expect(telephony.call(stranger, callOutbound, { body: call })).rejects.toMatchObject({ code: 'conflict' });
    });

    it('moves when the carrier confirms it for the other account', async () => {
      const { verifiedAt } = await confirm(robin);
      telephony.clock.advance(1_000);
      expect(await confirm(robin)).toMatchObject({ moved: false, verifiedAt });
      expect(await confirm(stranger)).toMatchObject({ moved: true });
      expect(await numberOf(robin)).toMatchObject({ verifiedAt: null });
      expect(await dial(e164, stranger)).toMatchObject({ outcome: 'routed', user: { id: stranger.userId } });
      await expect(dial(e164)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('stays out of service in the account that has released it', async () => {
      await confirm(robin);
      await release((await numberOf(robin)).id);
      await expect(confirm(robin)).rejects.toMatchObject({ code: 'not-found' });
      expect(await confirm(stranger)).toMatchObject({ moved: false });
      expect(await dial(e164)).toMatchObject({ outcome: 'no-longer-in-service' });
      expect(await dial(e164, stranger)).toMatchObject({ outcome: 'routed' });
    });
  });

  it('cannot be assigned to a user who has left', async () => {
    const { id } = await create();
    const { id: waiting } = await quarantined();
    const { userId } = await telephony.person({ accountId: admin.accountId, status: 'deactivated' });
    const refused = { code: 'inactive-user' };
    await expect(create({ ownerId: userId })).rejects.toMatchObject(refused);
    await expect(create({ destinationUserId: userId })).rejects.toMatchObject(refused);
    await expect(reassign(id, userId)).rejects.toMatchObject(refused);
    await expect(restore(waiting, userId)).rejects.toMatchObject(refused);
  });

  it('takes all future calls with it when it is reassigned', async () => {
    const { id, e164 } = await create();
    const moved = await reassign(id, admin.userId);
    expect(moved).toMatchObject({ ownerId: admin.userId, destinationUserId: admin.userId });
    expect(await dial(e164)).toMatchObject({ outcome: 'routed', user: { id: admin.userId } });
  });

  it('keeps its owner when another user, or nobody, answers it', async () => {
    const { id, e164 } = await create();
    const answeredBy = (destinationUserId: string | null) =>
      telephony.call(admin, phoneNumbers.update, { params: { id }, body: { destinationUserId } });
    expect(await answeredBy(admin.userId)).toMatchObject({ ownerId: robin.userId, destinationUserId: admin.userId });
    expect(await dial(e164, admin)).toMatchObject({ outcome: 'routed', user: { id: admin.userId } });
    expect(await answeredBy(null)).toMatchObject({ ownerId: robin.userId, destinationUser: null });
    await release(id);
    await expect(answeredBy(admin.userId)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is an alternative for contacts only while it is assigned, and only in its account', async () => {
    const number = await create();
    const ask = (accountId: string) =>
      telephony.client.ask(numbersForTelling, { accountId, userId: robin.userId, alternativeNumber: number.e164 });
    const { userId } = robin;
    expect(await ask(admin.accountId)).toEqual({
      owned: 1,
      alternative: { ownerId: userId, destinationUserId: userId },
    });
    const stranger = await telephony.person();
    expect(await ask(stranger.accountId)).toEqual({ owned: 0, alternative: null });
    await release(number.id);
    expect(await ask(admin.accountId)).toEqual({ owned: 0, alternative: null });
  });

  it('is not visible to another account', async () => {
    const { id, e164 } = await create();
    const stranger = await telephony.person({ roles: ['owner'] });
    const absent = { code: 'not-found' };
    const body = { userId: stranger.userId };
    await expect(telephony.call(stranger, numberReassign, { params: { id }, body })).rejects.toMatchObject(absent);
    await expect(telephony.call(stranger, numberRelease, { params: { id }, body: {} })).rejects.toMatchObject(absent);
    await expect(dial(e164, stranger)).rejects.toMatchObject(absent);
  });

  it('can be restored from quarantine, and only from there', async () => {
    const { id, e164 } = await quarantined();
    expect(await dial(e164)).toMatchObject({ outcome: 'unassigned', user: null });
    await expect(reassign(id, admin.userId)).rejects.toMatchObject({ code: 'conflict' });
    const restored = await restore(id, admin.userId);
    expect(restored).toMatchObject({
      state: 'assigned',
      ownerId: admin.userId,
      quarantinedFrom: null,
      releaseAt: null,
    });
    expect(await dial(e164)).toMatchObject({ outcome: 'routed', user: { id: admin.userId } });
    await expect(restore(id, admin.userId)).rejects.toMatchObject({ code: 'conflict' });
    await release(id);
    await expect(restore(id, admin.userId)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is out of service after its release and names the number that has its contacts', async () => {
    const [first, second, third] = [await create(), await create(), await create()];
    expect(await release(first.id)).toMatchObject({ state: 'released', ownerId: null, destinationUserId: null });
    expect(await dial(first.e164)).toMatchObject({ outcome: 'no-longer-in-service', user: null, movedTo: null });
    await release(second.id, { moveContactsTo: third.id });
    const { id, e164 } = third;
    expect(await dial(second.e164)).toMatchObject({ outcome: 'no-longer-in-service', movedTo: { id, e164 } });
    await expect(release(second.id)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('takes contacts that were moved to it earlier along to the next number', async () => {
    const [first, second, third] = [await create(), await create(), await create()];
    await release(first.id, { moveContactsTo: second.id });
    await release(second.id, { moveContactsTo: third.id });
    expect(await dial(first.e164)).toMatchObject({ movedTo: { id: third.id } });
  });

  it('can move its contacts only to another number in use', async () => {
    const [first, gone] = [await create(), await create()];
    await release(gone.id);
    const refused = { code: 'unknown-reference' };
    for (const heir of [first.id, gone.id, telephony.ids.next()]) {
      await expect(release(first.id, { moveContactsTo: heir })).rejects.toMatchObject(refused);
    }
    expect(await dial(first.e164)).toMatchObject({ outcome: 'routed' });
  });
});

describe('a call', () => {
  it('goes to voicemail when the user who should answer has left', async () => {
    const leaver = await telephony.person({ accountId: admin.accountId });
    const { e164 } = await create({ ownerId: leaver.userId });
    await deactivate(leaver);
    expect(await dial(e164)).toMatchObject({ outcome: 'voicemail', user: null, inboxOwner: null });
  });

  it('goes to the caretaker of a user who has left, and a text to the user’s inbox, while the care lasts', async () => {
    const { accountId } = admin;
    const [leaver, caretaker] = [await telephony.person({ accountId }), await telephony.person({ accountId })];
    const { e164 } = await create({ ownerId: leaver.userId });
    const [until, hour] = [new Date(telephony.clock.millis() + 7_200_000), 3_600_000];
    await sql`
      update directory set caretaker_id = ${caretaker.userId}, caretaker_until = ${until}
      where user_id = ${leaver.userId}`.execute(telephony.em().getKysely());
    const owner = { inboxOwner: { id: leaver.userId } };
    expect(await dial(e164)).toMatchObject({ outcome: 'routed', user: { id: leaver.userId }, ...owner });
    await becomes(telephony, leaver, 'deactivated');
    expect(await dial(e164)).toMatchObject({ outcome: 'routed', user: { id: caretaker.userId }, ...owner });
    const nobody = { outcome: 'voicemail', user: null, inboxOwner: null };
    await becomes(telephony, caretaker, 'deactivated');
    expect(await dial(e164)).toMatchObject(nobody);
    await becomes(telephony, caretaker, 'active');
    telephony.clock.advance(2 * hour);
    expect(await dial(e164)).toMatchObject(nobody);
  });

  it('goes to the number in use when an earlier one with the same digits was released', async () => {
    const { id, e164 } = await create();
    await release(id);
    const again = await create({ e164 });
    expect(await dial(e164)).toMatchObject({ outcome: 'routed', numberId: again.id });
  });

  it('to a number the account never had is refused as not found', async () => {
    await expect(dial(anE164())).rejects.toMatchObject({ code: 'not-found' });
  });
});
