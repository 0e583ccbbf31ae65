import { preview, proof } from '#libs/lifecycle';
import type { ResolvedRules } from '#libs/contracts';
import type { Person } from '#libs/lifecycle/testing';
import { AtTheDesk } from './at-the-desk.js';
import { Circular, Skip } from './desk.js';

const skip: ResolvedRules = {
  'desk.circulars': { deactivated: { action: 'exclude' }, deleted: { action: 'exclude' } },
};

describe('a rule that marks rows for a leaver', () => {
  const at = AtTheDesk.open();

  const circulars = async (count: number): Promise<string[]> => {
    const em = at.bench.em();
    const ids = Array.from({ length: count }, () => at.bench.ids.next());
    for (const id of ids) em.create(Circular, { id, accountId: at.robin.accountId, sentAt: at.bench.clock.now() });
    await em.flush();
    return ids;
  };
  const skipped = async ({ userId }: Person): Promise<string[]> =>
    (await at.bench.em().find(Skip, { person: userId }, { orderBy: { circularId: 'asc' } })).map((s) => s.circularId);
  const broken = async ({ userId }: Person, lifecycleVersion = 2) =>
    (await proof(at.bench.em().getKysely(), at.bench.rules, { users: [{ userId, lifecycleVersion }] })).broken;
  const affected = (person: Person) =>
    at
      .receiptsOf(person)
      .at(-1)!
      .rules.map((line) => line.affected);

  it('marks them for each of several leavers, and not for other users', async () => {
    const ids = await circulars(2);
    const [kim, other] = [await at.bench.person(at.robin), await at.bench.person(at.robin)];
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', skip), at.bench.leaving(kim, 'deactivated', skip)]);
    expect(await skipped(at.robin)).toEqual(ids);
    expect(await skipped(kim)).toEqual(ids);
    expect(await skipped(other)).toEqual([]);
    expect([affected(at.robin), affected(kim)]).toEqual([[2], [2]]);
  });

  it('does not cover rows created after the departure, and proves the others', async () => {
    const [first] = await circulars(2);
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', skip)]);
    at.bench.clock.advance(1);
    await circulars(1);
    expect(await broken(at.robin)).toEqual([]);
    await at.bench.em().nativeDelete(Skip, { person: at.robin.userId, circularId: first! });
    expect(await broken(at.robin)).toMatchObject([{ rule: 'desk.circulars', remaining: 1 }]);
  });

  it('counts a row once for a deletion of an active user, in the preview as in the receipt', async () => {
    await circulars(2);
    const steps = ['deactivated', 'deleted'] as const;
    const request = { ...at.robin, steps: [...steps], activeSince: 1, wasManager: false, rules: skip };
    const lines = await preview(at.bench.em().getKysely(), at.bench.rules, request, at.bench.clock.now());
    expect(lines.map((line) => line.count)).toEqual([2, 0]);
    await at.deliver([at.bench.leaving(at.robin, 'deleted', skip)]);
    expect(affected(at.robin)).toEqual([2, 0]);
  });

  it('removes the marks of a reactivated user, and sets them again at the next departure', async () => {
    const ids = await circulars(2);
    const kim = await at.bench.person(at.robin);
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', skip), at.bench.leaving(kim, 'deactivated', skip)]);
    await at.deliver([at.bench.reactivation(at.robin)]);
    expect(await skipped(at.robin)).toEqual([]);
    expect(await skipped(kim)).toEqual(ids);
    const again = { lifecycleVersion: 4, departure: { activeSince: 3 } };
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', skip, again)]);
    expect(affected(at.robin)).toEqual([2]);
    expect(await broken(at.robin, 4)).toEqual([]);
  });

  it('skips a row that a concurrent transaction deletes', async () => {
    const [gone, stays] = await circulars(2);
    let delivery: Promise<unknown> = Promise.resolve();
    await at.bench.em().transactional(async (em) => {
      await em.nativeDelete(Circular, { id: gone! });
      delivery = at.deliver([at.bench.leaving(at.robin, 'deactivated', skip)]);
      await at.waitsForLock();
    });
    await delivery;
    expect(await skipped(at.robin)).toEqual([stays]);
    expect(await at.status(at.robin)).toEqual(['completed']);
  });
});
