import { sql } from 'kysely';
import type { ReceiptLine, ResolvedRules, TeamWay } from '#libs/contracts';
import { crashes, type Person } from '#libs/lifecycle/testing';
import { AtTheDesk } from './at-the-desk.js';

describe('a team as successor', () => {
  const at = AtTheDesk.open();
  const giving = (id: string, by: TeamWay, to?: string): ResolvedRules => ({
    'desk.chairs': { deactivated: { action: 'transfer', team: { id, by }, ...(to && { to }) } },
  });
  const leaving = (rules: ResolvedRules, leaver = at.robin) => at.bench.leaving(leaver, 'deactivated', rules);
  const ownedBy = (people: readonly Person[]) => Promise.all(people.map((one) => at.owned(one)));
  const line = (): ReceiptLine => at.receiptsOf(at.robin).at(-1)!.rules[0]!;
  const received = () => new Map((line().receivers ?? []).map(({ userId, affected }) => [userId, affected]));
  const withBudget = async (perPerson: number, work: () => Promise<unknown>) => {
    const usual = at.bench.processor.budget;
    at.bench.processor.budget = { perPerson, total: 1_000 };
    await work().finally(() => (at.bench.processor.budget = usual));
  };

  it.each<[TeamWay, number[]]>([
    ['round-robin', [3, 5, 2]],
    ['fewest-open', [4, 4, 4]],
  ])('shares the rows by %s', async (by, expected) => {
    const { id, members } = await at.team(1, 3, 0);
    await at.things('chair', at.robin, expected.reduce((sum, count) => sum + count, 0) - 4);
    await at.deliver([leaving(giving(id, by))]);
    if (by === 'fewest-open') expect(await ownedBy(members)).toEqual(expected);
    const got = members.map(({ userId }) => received().get(userId) ?? 0);
    if (by === 'round-robin') expect(Math.max(...got) - Math.min(...got)).toBeLessThanOrEqual(1);
    expect(got.reduce((sum, count) => sum + count, 0)).toBe(line().affected);
    expect(line()).not.toHaveProperty('team');
    expect(line()).not.toHaveProperty('transferredTo');
  });

  it('goes on after each chunk, and no row moves twice in a crash', async () => {
    const { id, members } = await at.team(0, 0, 0);
    await at.things('chair', at.robin, 20);
    await withBudget(4, () => at.deliver([leaving(giving(id, 'round-robin'))]));
    expect([...received().values()].sort()).toEqual([1, 1, 2]);
    await sql`update task set chunk_rows = 4`.execute(at.bench.em().getKysely());
    const { adminUrl } = at.bench.database;
    for (const statement of [4, 7, 10]) {
      const crash = crashes(statement, adminUrl, () => at.bench.tasks.drain());
      // The worker outlives it.
      await expect(crash).rejects.toThrow('terminated before statement');
      await sql`update task set chunk_rows = 4`.execute(at.bench.em().getKysely());
      at.bench.clock.advance(60_000);
    }
    await at.bench.tasks.drain();
    expect(line()).toMatchObject({ affected: 20, finishedAt: expect.any(String) });
    expect([...received().values()].sort()).toEqual([6, 7, 7]);
    expect(await ownedBy(members)).toEqual(members.map(({ userId }) => received().get(userId)));
  });

  it('shares the rows of many leavers, who do not begin with the same member', async () => {
    const { id, members } = await at.team(0, 0);
    const others: Person[] = [];
    for (let n = 0; n < 11; n++) others.push(await at.bench.person({ accountId: at.robin.accountId }));
    const leavers = [at.robin, ...others];
    for (const one of leavers) await at.things('chair', one);
    await at.deliver(leavers.map((one) => leaving(giving(id, 'round-robin'), one)));
    const owned = await ownedBy(members);
    expect(owned[0]! + owned[1]!).toBe(12);
    expect(owned).not.toContain(12);
    expect(at.receiptsOf(at.robin)).toMatchObject([{ status: 'completed' }]);
  });

  it('skips members who have left or leave together with the user', async () => {
    const { id, members } = await at.team(0, 0, 0);
    await at.things('chair', at.robin, 4);
    const [gone, goes, stays] = members as [Person, Person, Person];
    await at.deliver([leaving({}, gone)]);
    await at.deliver([leaving(giving(id, 'round-robin')), leaving({}, goes)]);
    expect(await at.owned(stays)).toBe(4);
    expect(line().receivers).toEqual([{ userId: stays.userId, affected: 4 }]);
    expect(line()).not.toHaveProperty('warning');
  });

  it('is the first admin, with a warning, once all members have left, also between two chunks', async () => {
    const admin = await at.bench.admin(at.robin.accountId);
    const { id, members } = await at.team(0);
    const [member] = members as [Person];
    await at.things('chair', at.robin, 6);
    await withBudget(2, () => at.deliver([leaving(giving(id, 'fewest-open', member.userId))]));
    await at.deliver([leaving({}, member)]);
    await at.bench.tasks.drain();
    expect(line()).toMatchObject({ affected: 6, warning: 'successor-has-left' });
    expect(received()).toEqual(
      new Map([
        [member.userId, 2],
        [admin.userId, 4],
      ]),
    );
  });

  it('is the member whom the event names as long as the directory knows none', async () => {
    const admin = await at.bench.admin(at.robin.accountId);
    const member = await at.bench.person({ accountId: at.robin.accountId });
    await at.things('chair', at.robin);
    await at.deliver([leaving(giving(at.bench.ids.next(), 'round-robin', member.userId))]);
    expect([await at.owned(member), await at.owned(admin)]).toEqual([1, 0]);
  });

  it('is never a team of another account', async () => {
    const admin = await at.bench.admin(at.robin.accountId);
    const { id } = await at.team(0);
    at.robin = await at.bench.person();
    const own = await at.bench.admin(at.robin.accountId);
    await at.things('chair', at.robin);
    await at.deliver([leaving(giving(id, 'round-robin'))]);
    expect([await at.owned(own), await at.owned(admin)]).toEqual([1, 0]);
    expect(line()).toMatchObject({ warning: 'successor-has-left' });
  });

  it('keeps what a member has passed on: a reactivation restores only rows that their receiver still has', async () => {
    const { id, members } = await at.team(0, 0);
    await at.things('chair', at.robin, 4);
    await at.deliver([leaving(giving(id, 'round-robin'))]);
    const [one, other] = members as [Person, Person];
    await at.pass('chair', one, other);
    await at.deliver([at.bench.reactivation(at.robin, 3, 'all')]);
    expect(line()).toMatchObject({ affected: 3, notRestored: 1 });
    expect([await at.owned(at.robin), ...(await ownedBy(members))]).toEqual([3, 0, 1]);
  });
});
