import { sql } from 'kysely';
import type { Receipt, ResolvedRules, UserEvent } from '#libs/contracts';
import { RETRY_DELAYS } from '#libs/lifecycle';
import { eventually } from '#libs/testing';
import { RuleBench, type Person } from '#libs/lifecycle/testing';
import { desk, Thing } from './desk.js';

const unassignChairs: ResolvedRules = {
  'desk.chairs': { deactivated: { action: 'unassign' }, deleted: { action: 'unassign' } },
};
const keepChairs: ResolvedRules = {
  'desk.chairs': { deactivated: { action: 'keep' }, deleted: { action: 'unassign' } },
};
const trap: ResolvedRules = { 'desk.traps': { deactivated: { action: 'disable' } } };

describe('the engine', () => {
  let bench: RuleBench;
  let robin: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(desk);
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    bench.receipts.all.length = 0;
    robin = await bench.person();
  });

  const things = async (kind: string, owner: Person, count = 1) => {
    const em = bench.em();
    for (let n = 0; n < count; n++)
      em.create(Thing, { id: bench.ids.next(), accountId: owner.accountId, owner: owner.userId, kind, state: 'open' });
    await em.flush();
  };
  const owned = async ({ userId }: Person) => (await bench.em().find(Thing, { owner: userId })).length;
  const deliver = (events: (UserEvent | string)[], deliveries = 1) =>
    bench.events.handle(
      events.map((event, index) => ({
        subject: 'user.any',
        data: new TextEncoder().encode(typeof event === 'string' ? event : JSON.stringify(event)),
        streamSequence: index + 1,
        deliveries,
      })),
    );
  const receiptsOf = ({ userId }: Person): Receipt[] =>
    bench.receipts.all.filter((receipt) => receipt.userId === userId);
  const status = async ({ userId }: Person) =>
    (
      await sql<{
        status: string;
      }>`select status from inbox where user_id = ${userId} order by lifecycle_version`.execute(bench.em().getKysely())
    ).rows.map((row) => row.status);

  /** Until some transaction on this database waits for another. */
  const waitsForLock = () =>
    eventually(async () => {
      const { rows } =
        await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
          bench.em().getKysely(),
        );
      return rows.length > 0;
    });

  describe('whatever the order in which events come', () => {
    it('lets a reactivation that overtakes the deactivation win', async () => {
      await things('chair', robin);
      const deactivation = bench.leaving(robin, 'deactivated', unassignChairs);
      await deliver([bench.reactivation(robin)]);
      await deliver([deactivation]);
      expect(await owned(robin)).toBe(1);
      expect(receiptsOf(robin).map((r) => [r.lifecycleVersion, r.status])).toEqual([
        [3, 'completed'],
        [2, 'superseded'],
      ]);
    });

    it('lets the newest of several decisions in one batch win', async () => {
      await things('chair', robin);
      await deliver([bench.reactivation(robin), bench.leaving(robin, 'deactivated', unassignChairs)]);
      expect(await owned(robin)).toBe(1);
      expect(await status(robin)).toEqual(['superseded', 'completed']);
    });

    it('does not let a newer profile fence out an older decision', async () => {
      await things('chair', robin);
      const deactivation = bench.leaving(robin, 'deactivated', unassignChairs);
      await deliver([
        bench.event('user.updated', robin, { seq: 5, lifecycleVersion: 2, profile: { status: 'deactivated' } }),
      ]);
      await deliver([deactivation]);
      expect(await owned(robin)).toBe(0);
    });

    it('keeps the newest profile', async () => {
      const renamed = (seq: number, name: string) =>
        bench.event('user.updated', robin, { seq, lifecycleVersion: 1, profile: { name } });
      await deliver([renamed(4, 'New'), renamed(3, 'Old')]);
      await deliver([renamed(2, 'Older')]);
      const { rows } = await sql<{ name: string }>`select name from directory where user_id = ${robin.userId}`.execute(
        bench.em().getKysely(),
      );
      expect(rows).toEqual([{ name: 'New' }]);
    });

    it('answers an event that it has applied before with the same receipt', async () => {
      await things('chair', robin);
      const event = bench.leaving(robin, 'deactivated', unassignChairs);
      await deliver([event, event]);
      await deliver([event]);
      const [first, again] = receiptsOf(robin);
      expect(first!.rules).toMatchObject([{ rule: 'desk.chairs', affected: 1 }]);
      expect(again).toEqual(first);
    });
  });

  it('leaves a row alone that somebody else changes at the same moment', async () => {
    await things('chair', robin, 2);
    const [chair] = await bench.em().find(Thing, { owner: robin.userId });
    let delivery: Promise<unknown> = Promise.resolve();
    await bench.em().transactional(async (em) => {
      await em.nativeUpdate(Thing, { id: chair!.id }, { state: 'closed' });
      delivery = deliver([bench.leaving(robin, 'deactivated', unassignChairs)]);
      await waitsForLock();
    });
    await delivery;
    expect(await bench.em().findOne(Thing, { id: chair!.id })).toMatchObject({ owner: robin.userId, state: 'closed' });
    expect(receiptsOf(robin)[0]!.rules).toMatchObject([{ affected: 1 }]);
  });

  describe('a deletion', () => {
    it('applies the rules of the deactivation first, if nobody has', async () => {
      await things('lamp', robin);
      const rules: ResolvedRules = {
        'desk.chairs': unassignChairs['desk.chairs']!,
        'desk.lamps': { deactivated: { action: 'disable' } },
      };
      await deliver([bench.leaving(robin, 'deleted', rules)]);
      const [lamp] = await bench.em().find(Thing, { owner: robin.userId });
      expect(lamp!.state).toBe('off');
      expect(receiptsOf(robin)[0]!.rules.map((line) => `${line.transition} ${line.rule}`)).toEqual([
        'deactivated desk.chairs',
        'deactivated desk.lamps',
        'deleted desk.chairs',
      ]);
    });

    it('leaves out what the deactivation has applied', async () => {
      await things('chair', robin, 2);
      await deliver([bench.leaving(robin, 'deactivated', keepChairs)]);
      await deliver([bench.leaving(robin, 'deleted', keepChairs, { lifecycleVersion: 3 })]);
      expect(receiptsOf(robin).at(-1)!.rules).toMatchObject([
        { transition: 'deleted', action: 'unassign', affected: 2 },
      ]);
    });

    it('applies them anew to somebody who came back in between', async () => {
      await deliver([bench.leaving(robin, 'deactivated', unassignChairs)]);
      await deliver([bench.reactivation(robin)]);
      await things('chair', robin);
      await deliver([
        bench.leaving(robin, 'deleted', unassignChairs, { lifecycleVersion: 4, departure: { activeSince: 3 } }),
      ]);
      expect(
        receiptsOf(robin)
          .at(-1)!
          .rules.map((line) => line.affected),
      ).toEqual([1, 0]);
    });

    it('takes the name out of the directory', async () => {
      await deliver([bench.leaving(robin, 'deleted', {})]);
      const { rows } = await sql`select name, staff_id, status from directory where user_id = ${robin.userId}`.execute(
        bench.em().getKysely(),
      );
      expect(rows).toEqual([{ name: null, staff_id: null, status: 'deleted' }]);
    });

    it('goes on with the clock that the deactivation started', async () => {
      await things('letter', robin);
      const rules: ResolvedRules = {
        'desk.letters': {
          deactivated: { action: 'delete-after', days: 30 },
          deleted: { action: 'delete-after', days: 30 },
        },
      };
      await deliver([bench.leaving(robin, 'deactivated', rules)]);
      bench.clock.advanceDays(20);
      await deliver([bench.leaving(robin, 'deleted', rules, { lifecycleVersion: 3 })]);
      bench.clock.advanceDays(9);
      await bench.scheduled.drain();
      expect(await owned(robin)).toBe(1);
      bench.clock.advanceDays(2);
      await bench.scheduled.drain();
      expect(await owned(robin)).toBe(0);
    });
  });

  describe('a failure', () => {
    it('of one person does not touch the others of the batch, and waits in PostgreSQL', async () => {
      const others = await Promise.all(Array.from({ length: 6 }, () => bench.person()));
      for (const other of others) await things('chair', other);
      await things('trap', robin);
      const events = others.map((other) => bench.leaving(other, 'deactivated', unassignChairs));
      const outcomes = await deliver([
        ...events.slice(0, 3),
        bench.leaving(robin, 'deactivated', trap),
        ...events.slice(3),
      ]);
      expect(outcomes).toEqual(Array.from({ length: 7 }, () => 'ack'));
      for (const other of others) expect(await owned(other)).toBe(0);
      expect(await status(robin)).toEqual(['retry']);
      expect(receiptsOf(robin)).toMatchObject([{ status: 'running', error: '23514' }]);
    });

    it('is tried again with growing delays, then given up, and tried once more when somebody asks for it', async () => {
      await things('trap', robin);
      const event = bench.leaving(robin, 'deactivated', trap);
      await deliver([event]);
      for (const delay of RETRY_DELAYS) {
        expect(await status(robin)).toEqual(['retry']);
        bench.clock.advance(delay);
        await bench.retries.drain();
      }
      expect(await status(robin)).toEqual(['failed']);
      expect(receiptsOf(robin).at(-1)).toMatchObject({ status: 'failed', error: '23514' });

      await bench.em().nativeUpdate(Thing, { owner: robin.userId }, { kind: 'chair' });
      const { departure, ...data } = event.data;
      await deliver([{ ...event, data: { ...data, departure: { ...departure!, round: 1 } } }]);
      expect(receiptsOf(robin).at(-1)).toMatchObject({ status: 'completed', round: 1 });
    });

    it('of something that is no event is kept for the operator, and never comes again', async () => {
      const outcomes = await deliver([
        'not json',
        JSON.stringify({ specversion: '1.0', type: 'user.exploded' }),
        bench.leaving(robin, 'deactivated', {}),
      ]);
      expect(outcomes).toEqual([{ term: 'undecodable' }, { term: 'undecodable' }, 'ack']);
      const { rows } = await sql<{
        reason: string;
        data: Buffer;
      }>`select reason, data from dead_letter order by id`.execute(bench.em().getKysely());
      expect(rows.map((row) => [row.reason, row.data.toString().slice(0, 8)])).toEqual([
        ['not JSON', 'not json'],
        ['not a type of user event', '{"specve'],
      ]);
    });

    it('that strikes everybody brings the whole batch back', async () => {
      const delivery = bench.em().transactional(async (em) => {
        await sql`lock table inbox in access exclusive mode`.execute(em.getKysely());
        const failed = deliver([bench.leaving(robin, 'deactivated', unassignChairs)]).catch(
          (error: Error) => error.constructor.name,
        );
        await waitsForLock();
        await sql`
          select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
          em.getKysely(),
        );
        return failed;
      });
      expect(await delivery).toBe('TransientFailure');
      expect(await status(robin)).toEqual([]);
    });

    it('of a policy that this service does not know is shown at once', async () => {
      await deliver([bench.leaving(robin, 'deactivated', { 'desk.chairs': { deactivated: { action: 'withdraw' } } })]);
      expect(receiptsOf(robin)).toMatchObject([{ status: 'failed', error: 'invalid-action' }]);
    });
  });

  describe('who takes over', () => {
    const toSomebody = (to?: string): ResolvedRules => ({
      'desk.chairs': { deactivated: { action: 'transfer', ...(to && { to }) } },
    });

    it('is the first admin, unless somebody is named', async () => {
      const admin = await bench.admin(robin.accountId);
      await bench.admin(robin.accountId);
      await things('chair', robin);
      await deliver([bench.leaving(robin, 'deactivated', toSomebody())]);
      expect(await owned(admin)).toBe(1);
      expect(receiptsOf(robin)[0]!.rules).toMatchObject([{ transferredTo: admin.userId }]);
    });

    it('is the first admin with a warning, if the named successor has left meanwhile', async () => {
      const admin = await bench.admin(robin.accountId);
      const named = await bench.person({ accountId: robin.accountId });
      await things('chair', robin);
      const leaving = bench.leaving(robin, 'deactivated', toSomebody(named.userId));
      await deliver([bench.leaving(named, 'deactivated', {}), leaving]);
      expect(await owned(admin)).toBe(1);
      expect(receiptsOf(robin)[0]!.rules).toMatchObject([
        { transferredTo: admin.userId, warning: 'successor-has-left' },
      ]);
    });

    it('is never somebody of another account', async () => {
      const admin = await bench.admin(robin.accountId);
      const stranger = await bench.person();
      await things('chair', robin);
      await deliver([bench.leaving(robin, 'deactivated', toSomebody(stranger.userId))]);
      expect(await owned(stranger)).toBe(0);
      expect(await owned(admin)).toBe(1);
    });

    it('may not be known yet: the event waits for the directory', async () => {
      await things('chair', robin);
      await deliver([bench.leaving(robin, 'deactivated', toSomebody())]);
      expect(await status(robin)).toEqual(['retry']);
      const admin = await bench.admin(robin.accountId);
      bench.clock.advance(RETRY_DELAYS[0]!);
      await bench.retries.drain();
      expect(await owned(admin)).toBe(1);
    });
  });

  describe('what takes long or comes later', () => {
    const inSmallPieces = async (work: () => Promise<unknown>) => {
      const usual = bench.processor.budget;
      bench.processor.budget = { perPerson: 4, total: 1_000 };
      await work();
      bench.processor.budget = usual;
      await sql`update task set chunk_rows = 4`.execute(bench.em().getKysely());
    };

    it('is stopped by a reactivation', async () => {
      await things('chair', robin, 20);
      await inSmallPieces(() => deliver([bench.leaving(robin, 'deactivated', unassignChairs)]));
      expect(await owned(robin)).toBe(16);
      await deliver([bench.reactivation(robin)]);
      await bench.tasks.drain();
      expect(await owned(robin)).toBe(16);
      expect(await status(robin)).toEqual(['superseded', 'completed']);
    });

    it('does the later step of a rule only when the earlier one is done', async () => {
      await things('lamp', robin, 20);
      const rules: ResolvedRules = {
        'desk.lamps': { deactivated: { action: 'disable' }, deleted: { action: 'delete' } },
      };
      await inSmallPieces(() => deliver([bench.leaving(robin, 'deleted', rules)]));
      expect(await owned(robin)).toBe(20);
      await bench.tasks.drain();
      expect(await owned(robin)).toBe(0);
      expect(receiptsOf(robin).at(-1)).toMatchObject({
        status: 'completed',
        rules: [{ affected: 20 }, { affected: 20 }],
      });
    });

    it('waits while a legal hold lasts', async () => {
      await things('letter', robin);
      await deliver([
        bench.leaving(robin, 'deactivated', { 'desk.letters': { deactivated: { action: 'delete-after', days: 30 } } }),
      ]);
      const hold = (seq: number, legalHold: boolean) =>
        bench.event('user.updated', robin, { seq, lifecycleVersion: 2, profile: { status: 'deactivated', legalHold } });
      await deliver([hold(3, true)]);
      bench.clock.advanceDays(31);
      await bench.scheduled.drain();
      expect(await owned(robin)).toBe(1);
      await deliver([hold(4, false)]);
      await bench.scheduled.drain();
      expect(await owned(robin)).toBe(0);
      expect(receiptsOf(robin).at(-1)!.rules).toMatchObject([{ doneAt: expect.any(String) }]);
    });
  });
});
