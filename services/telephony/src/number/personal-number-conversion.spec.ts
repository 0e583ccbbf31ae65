import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ReceiptLine, ResolvedAction } from '#libs/contracts';
import { crashes, RuleBench, type Person } from '#libs/lifecycle/testing';
import { telephonyRules } from '../departures/telephony.rules.js';
import { migrations, entities } from '../telephony.module.js';
import { PhoneNumber, type PhoneNumberRow } from './number.entity.js';
import { PersonalNumberConversion } from './personal-number-conversion.js';

let bench: RuleBench;
let robin: Person;
let kim: Person;
let lee: Person;
let admin: Person;
let inboxId: string;
let issued = 0;
beforeAll(async () => {
  bench = await RuleBench.open({
    ...{ name: 'telephony', entities, rules: telephonyRules, migrations },
    conversion: () => new PersonalNumberConversion(),
  });
});
afterAll(() => bench.close());
beforeEach(async () => {
  admin = await bench.admin(bench.ids.next());
  const { accountId } = admin;
  [robin, kim, lee] = [
    await bench.person({ accountId }),
    await bench.person({ accountId }),
    await bench.person({ accountId }),
  ];
  inboxId = bench.ids.next();
});

async function aNumber(more: Partial<PhoneNumberRow> = {}): Promise<string> {
  const [em, id] = [bench.em(), bench.ids.next()];
  const { accountId, userId } = robin;
  em.create(PhoneNumber, {
    ...{ id, accountId, e164: `+1415${String(++issued).padStart(7, '0')}`, kind: 'personal', state: 'assigned' },
    ...{ ownerId: userId, destinationUserId: userId, createdAt: bench.clock.now(), ...more },
  });
  await em.flush();
  return id;
}

const read = (id: string) => bench.em().findOneOrFail(PhoneNumber, { id });
const leaving = (action: ResolvedAction, memberIds: readonly Person[] = [kim, lee]) =>
  bench.leaving(
    robin,
    'deleted',
    { 'telephony.numbers': { deleted: action }, 'telephony.call-routing': { deleted: { action: 'unassign' } } },
    { departure: { conversion: { inboxId, name: 'Front desk', memberIds: memberIds.map((one) => one.userId) } } },
  );

async function become(
  action: ResolvedAction = { action: 'release-after', days: 7 },
  members?: Person[],
): Promise<ReceiptLine[]> {
  const receipts = await bench.processor.apply([leaving(action, members)]);
  return receipts.find((receipt) => receipt.userId === robin.userId)!.rules;
}

describe('the number of a user who is converted to a shared inbox', () => {
  it('belongs to the inbox, is answered by the first member, and is never quarantined', async () => {
    const id = await aNumber();
    expect((await become()).map(({ affected }) => affected)).toEqual([0, 0]);
    const after = { kind: 'shared', state: 'assigned', ownerId: null, destinationUserId: kim.userId, inboxId };
    expect(await read(id)).toMatchObject(after);
    bench.clock.advanceDays(8);
    await bench.scheduled.drain();
    expect(await read(id)).toMatchObject(after);
  });

  it('does not block the deletion under an action that blocks while numbers are assigned', async () => {
    const id = await aNumber();
    expect((await become({ action: 'block' })).map(({ affected }) => affected)).toEqual([0, 0]);
    expect(await read(id)).toMatchObject({ kind: 'shared', state: 'assigned' });
  });

  it('is still answered by another user who answered it before', async () => {
    const id = await aNumber({ destinationUserId: lee.userId });
    await become();
    expect(await read(id)).toMatchObject({ destinationUserId: lee.userId });
  });

  it('leaves quarantine for good', async () => {
    const id = await aNumber();
    const choice = { action: 'release-after' as const, days: 7 };
    await bench.processor.apply([
      bench.leaving(robin, 'deactivated', { 'telephony.numbers': { deactivated: choice } }),
    ]);
    expect(await read(id)).toMatchObject({ state: 'quarantined' });
    const event = leaving(choice);
    await bench.processor.apply([{ ...event, data: { ...event.data, seq: 3, lifecycleVersion: 3 } }]);
    bench.clock.advanceDays(8);
    await bench.scheduled.drain();
    expect(await read(id)).toMatchObject({ kind: 'shared', state: 'assigned', destinationUserId: kim.userId });
  });

  it('does not change numbers of other owners, including those the leaver answered', async () => {
    const theirs = await aNumber({ ownerId: lee.userId });
    const released = await aNumber({ state: 'released', ownerId: null, destinationUserId: null });
    await become();
    expect(await read(theirs)).toMatchObject({ kind: 'personal', ownerId: lee.userId, destinationUserId: null });
    expect(await read(released)).toMatchObject({ state: 'released', inboxId: null });
  });

  it('is answered by the first admin, with a warning, when no member is left', async () => {
    const id = await aNumber();
    await bench.processor.apply([bench.leaving(kim, 'deactivated', {})]);
    const lines = await become(undefined, [kim]);
    expect(lines.map(({ rule, warning }) => [rule, warning])).toEqual([
      ['telephony.numbers', 'members-have-left'],
      ['telephony.call-routing', undefined],
    ]);
    expect(await read(id)).toMatchObject({ destinationUserId: admin.userId });
  });

  it('is converted in one transaction and only once', async () => {
    const ids = [await aNumber(), await aNumber()];
    const event = leaving({ action: 'release-after', days: 7 });
    const kinds = async () => Promise.all(ids.map(async (id) => (await read(id)).kind));
    let statement = 0;
    while (await crashes(++statement, bench.database.adminUrl, () => bench.processor.apply([event])))
      expect(await kinds()).toEqual(['personal', 'personal']);
    expect(statement).toBeGreaterThan(6);
    const moved = { destinationUserId: lee.userId };
    await bench.em().nativeUpdate(PhoneNumber, { id: ids[0] }, moved);
    await bench.processor.apply([event]);
    expect(await kinds()).toEqual(['shared', 'shared']);
    expect(await read(ids[0]!)).toMatchObject(moved);
  });
});
