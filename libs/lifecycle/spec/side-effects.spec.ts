import {
  can,
  disable,
  isApplied,
  NOTHING_TO_UNDO,
  owned,
  rule,
  transferWith,
  type LeaverRow,
  type ApplyLocally,
  type LocalEffect,
} from '#libs/lifecycle';
import { RuleBench, type ServiceUnderTest } from '#libs/lifecycle/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { desk, Thing } from './desk.js';

/** The arguments of the side effects: the leaver by row id, one entry per statement. */
const calls: ReadonlyMap<string, LeaverRow>[] = [];
const apply: ApplyLocally = async (_db, ids, leavers) => void calls.push(pick(leavers, ids));
/** Loses some rows of another table with each row. */
const losing: LocalEffect = {
  apply: async (_db, ids) => new Map(ids.map((id) => [id, 2])),
  inverse: { impossible: 'they are deleted' },
};
const moving: ServiceUnderTest = {
  ...desk,
  name: 'moving',
  rules: [
    rule('moving.chairs', 'Chairs', {
      rows: owned(Thing, 'owner', { kind: 'chair' }),
      deactivated: can(transferWith({}, { local: { apply, inverse: NOTHING_TO_UNDO } })),
    }),
  ],
};
const undone: string[] = [];
const local: ServiceUnderTest = {
  ...desk,
  name: 'locally',
  rules: [
    rule('locally.chairs', 'Chairs', {
      rows: owned(Thing, 'owner', { kind: 'chair' }),
      deactivated: can(
        transferWith(
          {},
          { local: { apply: async () => undefined, inverse: async (_db, ids) => void undone.push(...ids) } },
        ),
      ),
    }),
    rule('locally.lamps', 'Lamps', {
      rows: owned(Thing, 'owner', { kind: 'lamp' }),
      deactivated: can(disable({ state: 'off' }, { sideEffects: { local: losing } })),
    }),
  ],
};
const pick = (leavers: ReadonlyMap<string, LeaverRow>, ids: readonly string[]) =>
  new Map(ids.map((id) => [id, leavers.get(id)!]));

describe('side effects', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(moving);
  });
  afterAll(() => bench.close());
  beforeEach(() => void (calls.length = 0));

  const chairOf = async ({ accountId, userId: owner }: { accountId: string; userId: string }): Promise<string> => {
    const em = bench.em();
    const id = bench.ids.next();
    em.create(Thing, { id, accountId, owner, kind: 'chair', state: 'open' });
    await em.flush();
    return id;
  };
  const leaving = (person: { accountId: string; userId: string }, to?: string) =>
    bench.leaving(person, 'deactivated', { 'moving.chairs': { deactivated: { action: 'transfer', to } } });

  it('get the leaver and the successor of each row, for several leavers', async () => {
    const [robin, kim] = [await bench.person(), await bench.person()];
    const successor = await bench.person({ accountId: robin.accountId });
    const admin = await bench.admin(kim.accountId);
    await bench.admin(robin.accountId);
    const [robins, kims] = [await chairOf(robin), await chairOf(kim)];
    await bench.processor.apply([leaving(robin, successor.userId), leaving(kim)]);
    const all = new Map(calls.flatMap((one) => [...one]));
    expect(all.get(robins)).toMatchObject({ ...robin, successor: successor.userId, lifecycleVersion: 2 });
    expect(all.get(kims)).toMatchObject({ ...kim, successor: admin.userId, lifecycleVersion: 2 });
    expect(all.size).toBe(2);
  });

  it('`isApplied` is false until a service has applied a decision including its chunks', async () => {
    const robin = await bench.person();
    await bench.admin(robin.accountId);
    for (let n = 0; n < 3; n++) await chairOf(robin);
    const applied = (lifecycleVersion = 2) =>
      isApplied(bench.em().getKysely(), { userId: robin.userId, lifecycleVersion });
    expect(await applied()).toBe(false);
    const usual = bench.processor.budget;
    bench.processor.budget = { perPerson: 1, total: 10 };
    await bench.processor.apply([leaving(robin)]);
    bench.processor.budget = usual;
    expect(await applied()).toBe(false);
    await bench.tasks.drain();
    expect(await applied()).toBe(true);
    expect(calls.flatMap((one) => [...one.values()]).map((leaver) => leaver.lifecycleVersion)).toEqual([2, 2, 2]);
    expect(await applied(3)).toBe(false);
    expect(await isApplied(bench.em().getKysely(), { userId: bench.ids.next(), lifecycleVersion: 1 })).toBe(false);
  });
});

describe('the inverse of local side effects', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(local);
  });
  afterAll(() => bench.close());

  async function restored(kind: 'chair' | 'lamp', rule: string, action: 'transfer' | 'disable') {
    const robin = await bench.person();
    await bench.admin(robin.accountId);
    const em = bench.em();
    const ids = [bench.ids.next(), bench.ids.next()];
    for (const id of ids)
      em.create(Thing, { id, accountId: robin.accountId, owner: robin.userId, kind, state: 'open' });
    await em.flush();
    await bench.processor.apply([bench.leaving(robin, 'deactivated', { [rule]: { deactivated: { action } } })]);
    const [receipt] = await bench.processor.apply([bench.reactivation(robin, 3, 'all')]);
    return { ids, lines: receipt!.rules };
  }

  it('gets the rows that are restored', async () => {
    const { ids, lines } = await restored('chair', 'locally.chairs', 'transfer');
    expect([...undone].sort()).toEqual([...ids].sort());
    expect(lines).toMatchObject([{ affected: 2, notRestored: 0 }]);
  });

  it('is counted as not restored if there is none', async () => {
    const { lines } = await restored('lamp', 'locally.lamps', 'disable');
    expect(lines).toMatchObject([{ affected: 2, notRestored: 4, warning: 'cannot-be-restored' }]);
  });
});
