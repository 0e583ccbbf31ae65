import { describe, it, expect, beforeAll, afterAll } from '@jest/globals';
import type { ResolvedRules } from '#libs/contracts';
import { preview } from '#libs/lifecycle';
import { RuleBench, type Person } from '#libs/lifecycle/testing';
import { NumberController } from '../number/number.controller.js';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { aNumber, telephony } from '../testing/numbers.js';

describe('the numbers of a leaver', () => {
  let bench: RuleBench;
  let robin: Person;
  let heir: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(telephony);
  });
  afterAll(() => bench.close());

  const numbers = async (): Promise<PhoneNumberRow[]> =>
    bench.em().find(PhoneNumber, { accountId: robin.accountId }, { orderBy: { id: 'asc' } });

  async function given(...more: ((robin: Person, heir: Person) => Partial<PhoneNumberRow>)[]): Promise<void> {
    robin = await bench.person();
    heir = await bench.admin(robin.accountId);
    const em = bench.em();
    for (const one of more) aNumber(em, bench, robin, one(robin, heir));
    await em.flush();
  }

  const restore = (id: string) =>
    bench.call(NumberController, 'restore', heir, { roles: ['admin'], params: { id }, body: { ownerId: heir.userId } });

  const own = ({ userId }: Person) => ({ ownerId: userId, destinationUserId: userId });

  const linesOf = async (rules: ResolvedRules) => {
    const request = { ...robin, steps: ['deleted' as const], activeSince: 1, wasManager: false, rules };
    return preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
  };

  it('are quarantined for a week and then released', async () => {
    await given(own);
    await bench.processor.apply([
      bench.leaving(robin, 'deleted', { 'telephony.numbers': { deleted: { action: 'release-after', days: 7 } } }),
    ]);
    expect(await numbers()).toMatchObject([
      { state: 'quarantined', ownerId: null, destinationUserId: null, quarantinedFromId: robin.userId },
    ]);
    bench.clock.advanceDays(6);
    await bench.scheduled.drain();
    expect(await numbers()).toMatchObject([{ state: 'quarantined' }]);
    bench.clock.advanceDays(1);
    await bench.scheduled.drain();
    expect(await numbers()).toMatchObject([{ state: 'released', quarantinedFromId: null }]);
  });

  it('are not released once they were restored in time', async () => {
    await given(own, own);
    await bench.processor.apply([
      bench.leaving(robin, 'deleted', { 'telephony.numbers': { deleted: { action: 'release-after', days: 7 } } }),
    ]);
    const [first] = await numbers();
    bench.clock.advanceDays(3);
    await restore(first!.id);
    bench.clock.advanceDays(5);
    await bench.scheduled.drain();
    expect(await numbers()).toMatchObject([{ state: 'assigned', ownerId: heir.userId }, { state: 'released' }]);
  });

  describe('are restored by a reactivation that asks for it', () => {
    const rules: ResolvedRules = { 'telephony.numbers': { deactivated: { action: 'release-after', days: 7 } } };
    const leave = () => bench.processor.apply([bench.leaving(robin, 'deactivated', rules)]);
    const comeBack = async () => (await bench.processor.apply([bench.reactivation(robin, 3, 'all')])).at(-1)!.rules;

    it('from quarantine, unless another user got them meanwhile', async () => {
      await given(own, own);
      const before = await numbers();
      await leave();
      await restore(before[0]!.id);
      expect(await comeBack()).toMatchObject([{ affected: 1, notRestored: 1, warning: 'changed-since' }]);
      expect(await numbers()).toMatchObject([own(heir), { ...own(robin), state: 'assigned', releaseAt: null }]);
    });

    it('but not from the public pool', async () => {
      await given(own);
      await leave();
      bench.clock.advanceDays(7);
      await bench.scheduled.drain();
      expect(await comeBack()).toMatchObject([{ affected: 0, notRestored: 1, warning: 'cannot-be-restored' }]);
      expect(await numbers()).toMatchObject([{ state: 'released', ownerId: null }]);
    });

    it('with the user who answered them, if that user is still active', async () => {
      await given();
      const people = [
        await bench.person({ accountId: robin.accountId }),
        await bench.person({ accountId: robin.accountId }),
      ];
      const em = bench.em();
      for (const { userId } of people) aNumber(em, bench, robin, { ownerId: robin.userId, destinationUserId: userId });
      await em.flush();
      await leave();
      await bench.processor.apply([bench.leaving(people[1]!, 'deactivated', {})]);
      expect(await comeBack()).toMatchObject([{ affected: 2, notRestored: 0 }]);
      const back = { ownerId: robin.userId, state: 'assigned' };
      expect(await numbers()).toMatchObject([
        { ...back, destinationUserId: people[0]!.userId },
        { ...back, destinationUserId: null },
      ]);
    });
  });

  it('are transferred together with their calls, unless another user answers them', async () => {
    await given(own);
    const colleague = await bench.person({ accountId: robin.accountId });
    const em = bench.em();
    aNumber(em, bench, robin, { ownerId: robin.userId, destinationUserId: colleague.userId });
    await em.flush();
    await bench.processor.apply([
      bench.leaving(robin, 'deactivated', {
        'telephony.numbers': { deactivated: { action: 'transfer', to: heir.userId } },
      }),
    ]);
    expect(await numbers()).toMatchObject([own(heir), { ownerId: heir.userId, destinationUserId: colleague.userId }]);
  });

  it('are counted once, under the rule that applies to them', async () => {
    await given(
      own,
      ({ userId }) => ({ destinationUserId: userId }),
      (_, other) => ({
        ownerId: other.userId,
        destinationUserId: robin.userId,
      }),
    );
    const rules: ResolvedRules = {
      'telephony.numbers': { deleted: { action: 'release-after', days: 7 } },
      'telephony.call-routing': { deleted: { action: 'unassign' } },
    };
    const foreseen = (await linesOf(rules)).map(({ rule, count }) => ({ rule, count }));
    expect(foreseen).toEqual([
      { rule: 'telephony.numbers', count: 1 },
      { rule: 'telephony.call-routing', count: 2 },
    ]);
    const [receipt] = await bench.processor.apply([bench.leaving(robin, 'deleted', rules)]);
    expect(receipt!.rules.map(({ rule, affected }) => ({ rule, count: affected }))).toEqual(foreseen);
    expect((await numbers()).map((number) => number.destinationUserId)).toEqual([null, null, null]);
  });

  it('are listed in the preview when they block the departure', async () => {
    await given(own, ({ userId }) => ({ destinationUserId: userId }));
    const [mine, answered] = await numbers();
    const lines = await linesOf({
      'telephony.numbers': { deleted: { action: 'block' } },
      'telephony.call-routing': { deleted: { action: 'block' } },
    });
    expect(lines).toMatchObject([
      { count: 1, items: [mine!.id], detail: expect.stringContaining(mine!.e164) },
      { count: 1, items: [answered!.id], detail: expect.stringContaining(answered!.e164) },
    ]);
    expect(lines[1]!.detail).not.toContain(mine!.e164);
  });
});
