import { can, isApplied, owned, rule, transferWith, type LeaverRow } from '#libs/lifecycle';
import { RuleBench, type ServiceUnderTest } from '#libs/lifecycle/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { desk, Thing } from './desk.js';

/** What the change of the chairs has taken along, one entry a statement. */
const taken: ReadonlyMap<string, LeaverRow>[] = [];
const moving: ServiceUnderTest = {
  ...desk,
  name: 'moving',
  rules: [
    rule('moving.chairs', 'Chairs', {
      rows: owned(Thing, 'owner', { kind: 'chair' }),
      deactivated: can(transferWith({}, async (_db, ids, leavers) => void taken.push(pick(leavers, ids)))),
    }),
  ],
};
const pick = (leavers: ReadonlyMap<string, LeaverRow>, ids: readonly string[]) =>
  new Map(ids.map((id) => [id, leavers.get(id)!]));

describe('what changes together with the rows of a departure', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(moving);
  });
  afterAll(() => bench.close());
  beforeEach(() => void (taken.length = 0));

  const chairOf = async ({ accountId, userId: owner }: { accountId: string; userId: string }): Promise<string> => {
    const em = bench.em();
    const id = bench.ids.next();
    em.create(Thing, { id, accountId, owner, kind: 'chair', state: 'open' });
    await em.flush();
    return id;
  };
  const leaving = (person: { accountId: string; userId: string }, to?: string) =>
    bench.leaving(person, 'deactivated', { 'moving.chairs': { deactivated: { action: 'transfer', to } } });

  it('learns of each row whose it is and who takes it over, many people at once', async () => {
    const [robin, kim] = [await bench.person(), await bench.person()];
    const heir = await bench.person({ accountId: robin.accountId });
    const admin = await bench.admin(kim.accountId);
    await bench.admin(robin.accountId);
    const [robins, kims] = [await chairOf(robin), await chairOf(kim)];
    await bench.processor.apply([leaving(robin, heir.userId), leaving(kim)]);
    const all = new Map(taken.flatMap((one) => [...one]));
    expect(all.get(robins)).toMatchObject({ ...robin, successor: heir.userId, lifecycleVersion: 2 });
    expect(all.get(kims)).toMatchObject({ ...kim, successor: admin.userId, lifecycleVersion: 2 });
    expect(all.size).toBe(2);
  });

  it('can wait until a service is through with a decision, its chunks included', async () => {
    const robin = await bench.person();
    await bench.admin(robin.accountId);
    for (let n = 0; n < 3; n++) await chairOf(robin);
    const settled = (lifecycleVersion = 2) =>
      isApplied(bench.em().getKysely(), { userId: robin.userId, lifecycleVersion });
    expect(await settled()).toBe(false);
    const usual = bench.processor.budget;
    bench.processor.budget = { perPerson: 1, total: 10 };
    await bench.processor.apply([leaving(robin)]);
    bench.processor.budget = usual;
    expect(await settled()).toBe(false);
    await bench.tasks.drain();
    expect(await settled()).toBe(true);
    expect(taken.flatMap((one) => [...one.values()]).map((leaver) => leaver.lifecycleVersion)).toEqual([2, 2, 2]);
    expect(await settled(3)).toBe(false);
    expect(await isApplied(bench.em().getKysely(), { userId: bench.ids.next(), lifecycleVersion: 1 })).toBe(false);
  });
});
