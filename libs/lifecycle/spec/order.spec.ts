import { sql } from 'kysely';
import type { ResolvedRules } from '#libs/contracts';
import { AtTheDesk, keepChairs, unassignChairs } from './at-the-desk.js';
import { Thing } from './desk.js';

describe('the engine', () => {
  const at = AtTheDesk.open();

  describe('with events in any order', () => {
    it('lets a reactivation win that arrives before the deactivation', async () => {
      await at.things('chair', at.robin);
      const deactivation = at.bench.leaving(at.robin, 'deactivated', unassignChairs);
      await at.deliver([at.bench.reactivation(at.robin)]);
      await at.deliver([deactivation]);
      expect(await at.owned(at.robin)).toBe(1);
      expect(at.receiptsOf(at.robin).map((r) => [r.lifecycleVersion, r.status])).toEqual([
        [3, 'completed'],
        [2, 'superseded'],
      ]);
    });

    it('lets the newest decision of a batch win', async () => {
      await at.things('chair', at.robin);
      await at.deliver([at.bench.reactivation(at.robin), at.bench.leaving(at.robin, 'deactivated', unassignChairs)]);
      expect(await at.owned(at.robin)).toBe(1);
      expect(await at.status(at.robin)).toEqual(['superseded', 'completed']);
    });

    it('applies a decision even if a newer profile has arrived before', async () => {
      await at.things('chair', at.robin);
      const deactivation = at.bench.leaving(at.robin, 'deactivated', unassignChairs);
      await at.deliver([
        at.bench.event('user.updated', at.robin, { seq: 5, lifecycleVersion: 2, profile: { status: 'deactivated' } }),
      ]);
      await at.deliver([deactivation]);
      expect(await at.owned(at.robin)).toBe(0);
    });

    it('raises the fence to the newest decision of a batch if a newer profile has arrived before', async () => {
      const both = [at.bench.leaving(at.robin, 'deactivated', unassignChairs), at.bench.reactivation(at.robin)];
      const casey = await at.bench.person();
      const reversed = [at.bench.reactivation(casey), at.bench.leaving(casey, 'deactivated', unassignChairs)];
      await at.deliver(
        [at.robin, casey].map((person) => at.bench.event('user.updated', person, { seq: 9, lifecycleVersion: 3 })),
      );
      await at.deliver([...both, ...reversed]);
      const { rows } = await sql<{ version: number }>`
        select lifecycle_version::int as version from directory
        where user_id in (${at.robin.userId}, ${casey.userId})`.execute(at.bench.em().getKysely());
      expect(rows).toEqual([{ version: 3 }, { version: 3 }]);
    });

    it('keeps the newest profile', async () => {
      const renamed = (seq: number, name: string) =>
        at.bench.event('user.updated', at.robin, { seq, lifecycleVersion: 1, profile: { name } });
      await at.deliver([renamed(4, 'New'), renamed(3, 'Old')]);
      await at.deliver([renamed(2, 'Older')]);
      const { rows } = await sql<{
        name: string;
      }>`select name from directory where user_id = ${at.robin.userId}`.execute(at.bench.em().getKysely());
      expect(rows).toEqual([{ name: 'New' }]);
    });

    it('answers a repeated event with the same receipt', async () => {
      await at.things('chair', at.robin);
      const event = at.bench.leaving(at.robin, 'deactivated', unassignChairs);
      await at.deliver([event, event]);
      await at.deliver([event]);
      const [first, again] = at.receiptsOf(at.robin);
      expect(first!.rules).toMatchObject([{ rule: 'desk.chairs', affected: 1 }]);
      expect(again).toEqual(first);
    });
  });

  describe('a deletion', () => {
    it('applies the rules of the deactivation first, if they have not been applied', async () => {
      await at.things('lamp', at.robin);
      const rules: ResolvedRules = {
        'desk.chairs': unassignChairs['desk.chairs']!,
        'desk.lamps': { deactivated: { action: 'disable' } },
      };
      await at.deliver([at.bench.leaving(at.robin, 'deleted', rules)]);
      const [lamp] = await at.bench.em().find(Thing, { owner: at.robin.userId });
      expect(lamp!.state).toBe('off');
      expect(at.receiptsOf(at.robin)[0]!.rules.map((line) => `${line.transition} ${line.rule}`)).toEqual([
        'deactivated desk.chairs',
        'deactivated desk.lamps',
        'deleted desk.chairs',
      ]);
    });

    it('leaves out the rules that the deactivation has applied', async () => {
      await at.things('chair', at.robin, 2);
      await at.deliver([at.bench.leaving(at.robin, 'deactivated', keepChairs)]);
      await at.deliver([at.bench.leaving(at.robin, 'deleted', keepChairs, { lifecycleVersion: 3 })]);
      expect(at.receiptsOf(at.robin).at(-1)!.rules).toMatchObject([
        { transition: 'deleted', action: 'unassign', affected: 2 },
      ]);
    });

    it('applies them again to a user who was reactivated in between', async () => {
      await at.deliver([at.bench.leaving(at.robin, 'deactivated', unassignChairs)]);
      await at.deliver([at.bench.reactivation(at.robin)]);
      await at.things('chair', at.robin);
      await at.deliver([
        at.bench.leaving(at.robin, 'deleted', unassignChairs, { lifecycleVersion: 4, departure: { activeSince: 3 } }),
      ]);
      expect(
        at
          .receiptsOf(at.robin)
          .at(-1)!
          .rules.map((line) => line.affected),
      ).toEqual([1, 0]);
    });

    it('erases the name in the directory', async () => {
      await at.deliver([at.bench.leaving(at.robin, 'deleted', {})]);
      const { rows } =
        await sql`select name, staff_id, status from directory where user_id = ${at.robin.userId}`.execute(
          at.bench.em().getKysely(),
        );
      expect(rows).toEqual([{ name: null, staff_id: null, status: 'deleted' }]);
    });

    it('keeps the due time of a delayed effect that the deactivation has scheduled', async () => {
      await at.things('letter', at.robin);
      const rules: ResolvedRules = {
        'desk.letters': {
          deactivated: { action: 'delete-after', days: 30 },
          deleted: { action: 'delete-after', days: 30 },
        },
      };
      await at.deliver([at.bench.leaving(at.robin, 'deactivated', rules)]);
      at.bench.clock.advanceDays(20);
      await at.deliver([at.bench.leaving(at.robin, 'deleted', rules, { lifecycleVersion: 3 })]);
      at.bench.clock.advanceDays(9);
      await at.bench.scheduled.drain();
      expect(await at.owned(at.robin)).toBe(1);
      at.bench.clock.advanceDays(2);
      await at.bench.scheduled.drain();
      expect(await at.owned(at.robin)).toBe(0);
    });
  });

  it('does not change a row that a concurrent transaction has closed', async () => {
    await at.things('chair', at.robin, 2);
    const [chair] = await at.bench.em().find(Thing, { owner: at.robin.userId });
    let delivery: Promise<unknown> = Promise.resolve();
    await at.bench.em().transactional(async (em) => {
      await em.nativeUpdate(Thing, { id: chair!.id }, { state: 'closed' });
      delivery = at.deliver([at.bench.leaving(at.robin, 'deactivated', unassignChairs)]);
      await at.waitsForLock();
    });
    await delivery;
    expect(await at.bench.em().findOne(Thing, { id: chair!.id })).toMatchObject({
      owner: at.robin.userId,
      state: 'closed',
    });
    expect(at.receiptsOf(at.robin)[0]!.rules).toMatchObject([{ affected: 1 }]);
  });
});
