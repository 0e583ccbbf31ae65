import { sql } from 'kysely';
import type { ResolvedRules, Restore } from '#libs/contracts';
import { fingerprint, migrate } from '#libs/database';
import { undoTable } from '#libs/lifecycle';
import { crashes } from '#libs/lifecycle/testing';
import { testDatabase } from '#libs/test-kit';
import { AtTheDesk, unassignChairs } from './at-the-desk.js';
import { desk, Thing } from './desk.js';

const both: ResolvedRules = { ...unassignChairs, 'desk.lamps': { deactivated: { action: 'disable' } } };

describe('a restoration', () => {
  const at = AtTheDesk.open();
  const leave = (rules: ResolvedRules, lifecycleVersion = 2, activeSince = 1) =>
    at.deliver([at.bench.leaving(at.robin, 'deactivated', rules, { lifecycleVersion, departure: { activeSince } })]);
  const comeBack = (restore?: Restore, lifecycleVersion = 3) =>
    at.deliver([at.bench.reactivation(at.robin, lifecycleVersion, restore)]);
  const lines = () => at.receiptsOf(at.robin).at(-1)!.rules;
  const lamps = async () =>
    (await at.bench.em().find(Thing, { owner: at.robin.userId, kind: 'lamp' })).map((l) => l.state);
  const undoRecords = async (): Promise<{ rule: string; version: string }[]> => {
    const { rows } = await sql<{ rule: string; version: string }>`
      select rule, lifecycle_version as version from undo where user_id = ${at.robin.userId} order by id`.execute(
      at.bench.em().getKysely(),
    );
    return rows;
  };
  const withSmallBudget = async (work: () => Promise<unknown>) => {
    const usual = at.bench.processor.budget;
    at.bench.processor.budget = { perPerson: 4, total: 1_000 };
    await work();
    at.bench.processor.budget = usual;
    await sql`update task set chunk_rows = 4`.execute(at.bench.em().getKysely());
  };

  it('undoes the named rules and no others', async () => {
    await at.things('chair', at.robin, 2);
    await at.things('lamp', at.robin);
    await leave(both);
    await comeBack(['desk.lamps']);
    expect(lines()).toMatchObject([{ rule: 'desk.lamps', action: 'restore', affected: 1, notRestored: 0 }]);
    expect(await at.owned(at.robin)).toBe(1);
    expect(await lamps()).toEqual(['open']);
    expect(await undoRecords()).toEqual([]);
  });

  it('happens only on request', async () => {
    await at.things('chair', at.robin, 2);
    await leave(both);
    await comeBack();
    expect(lines()).toEqual([]);
    expect(await at.owned(at.robin)).toBe(0);
    expect(await undoRecords()).toEqual([]);
  });

  it('gives each row its former value', async () => {
    await at.things('lamp', at.robin, 3);
    const [first] = await at.bench.em().find(Thing, { owner: at.robin.userId }, { orderBy: { id: 'asc' } });
    await at.bench.em().nativeUpdate(Thing, { id: first!.id }, { state: 'dimmed' });
    await leave(both);
    expect(await lamps()).toEqual(['off', 'off', 'off']);
    await comeBack('all');
    expect((await lamps()).sort()).toEqual(['dimmed', 'open', 'open']);
  });

  it('does not change rows that the rule no longer covers', async () => {
    await at.things('lamp', at.robin, 2);
    await leave(both);
    const [first] = await at.bench.em().find(Thing, { owner: at.robin.userId });
    await at.bench.em().nativeUpdate(Thing, { id: first!.id }, { kind: 'lantern' });
    await comeBack('all');
    expect(lines()).toMatchObject([{ affected: 1, notRestored: 1, warning: 'changed-since' }]);
    expect(await at.bench.em().findOne(Thing, { id: first!.id })).toMatchObject({ state: 'off' });
  });

  it('is stopped by the next departure, which a later reactivation undoes', async () => {
    await at.things('chair', at.robin, 20);
    await withSmallBudget(() => leave(unassignChairs));
    await at.bench.tasks.drain();
    await withSmallBudget(() => comeBack('all'));
    expect(await at.owned(at.robin)).toBe(4);
    await leave(unassignChairs, 4, 3);
    await at.bench.tasks.drain();
    expect(await at.owned(at.robin)).toBe(0);
    expect(await at.status(at.robin)).toEqual(['completed', 'superseded', 'completed']);
    await comeBack('all', 5);
    expect(lines()).toMatchObject([{ affected: 20, notRestored: 0 }]);
    expect(await at.owned(at.robin)).toBe(20);
    expect(await undoRecords()).toEqual([]);
  });

  it('gives back what an overtaken return was still to give back, also by another action of the rule', async () => {
    await at.things('chair', at.robin, 20);
    const heir = await at.bench.person({ accountId: at.robin.accountId, profile: { isManager: true } });
    const transferChairs: ResolvedRules = { 'desk.chairs': { deactivated: { action: 'transfer', to: heir.userId } } };
    await leave(transferChairs);
    await withSmallBudget(() => comeBack(['desk.chairs']));
    await leave(unassignChairs, 4, 3);
    expect([await at.owned(at.robin), await at.owned(heir)]).toEqual([0, 20]);
    await withSmallBudget(() => comeBack('all', 5));
    await at.bench.tasks.drain();
    expect(lines()).toMatchObject([{ affected: 20, notRestored: 0, finishedAt: expect.any(String) }]);
    expect([await at.owned(at.robin), await at.owned(heir)]).toEqual([20, 0]);
  });

  it('gives back after a return that never got here because the next departure was faster', async () => {
    await at.things('chair', at.robin, 3);
    await leave(unassignChairs);
    await at.deliver([
      at.bench.reactivation(at.robin, 3, 'all'),
      at.bench.leaving(at.robin, 'deactivated', unassignChairs, { lifecycleVersion: 4, departure: { activeSince: 3 } }),
    ]);
    expect(await at.status(at.robin)).toEqual(['completed', 'superseded', 'completed']);
    await comeBack('all', 5);
    expect(await at.owned(at.robin)).toBe(3);
  });

  it('does not give back what an overtaken return did not want', async () => {
    await at.things('chair', at.robin, 3);
    await leave(unassignChairs);
    await leave(unassignChairs, 4, 3);
    await comeBack(undefined, 3);
    expect(await at.status(at.robin)).toEqual(['completed', 'superseded', 'completed']);
    await comeBack('all', 5);
    expect(await at.owned(at.robin)).toBe(0);
  });

  it('leaves a value alone that names somebody who has left meanwhile, and says so', async () => {
    const em = at.bench.em();
    const other = await at.bench.person({ accountId: at.robin.accountId });
    const key = { accountId: at.robin.accountId, owner: at.robin.userId, kind: 'key', state: 'open' };
    em.create(Thing, { id: at.bench.ids.next(), ...key, formerOwner: other.userId });
    em.create(Thing, { id: at.bench.ids.next(), ...key });
    await em.flush();
    await leave({ 'desk.keys': { deactivated: { action: 'release-after', days: 7 } } });
    await at.deliver([at.bench.leaving(other, 'deactivated', {})]);
    await comeBack('all');
    expect(lines()).toMatchObject([{ affected: 2, notRestored: 0, warning: 'partly-restored' }]);
    expect(await at.owned(at.robin)).toBe(2);
  });

  it('is not possible after a deletion, which deletes the undo records', async () => {
    await at.things('chair', at.robin, 2);
    await at.things('lamp', at.robin);
    await leave(unassignChairs);
    expect(await undoRecords()).toEqual([{ rule: 'desk.chairs', version: '2' }]);
    await at.deliver([at.bench.leaving(at.robin, 'deleted', both, { lifecycleVersion: 3 })]);
    expect(lines()).toMatchObject([{ rule: 'desk.lamps', affected: 1 }, { rule: 'desk.chairs' }]);
    expect(await undoRecords()).toEqual([]);
  });

  it('reports lines that it cannot restore: without undo records, or of a rule that no longer exists', async () => {
    await at.things('chair', at.robin, 2);
    await leave(unassignChairs);
    const db = at.bench.em().getKysely();
    await sql`delete from undo where user_id = ${at.robin.userId}`.execute(db);
    await sql`update inbox set lines = lines || jsonb_build_array(lines -> 0 || '{"rule": "desk.former"}'::jsonb) where user_id = ${at.robin.userId}`.execute(
      db,
    );
    await comeBack('all');
    const lost = { affected: 0, notRestored: 2, warning: 'cannot-be-restored' };
    expect(lines()).toMatchObject([
      { rule: 'desk.chairs', ...lost },
      { rule: 'desk.former', ...lost },
    ]);
  });

  it('is atomic, wherever it crashes', async () => {
    await at.things('chair', at.robin, 3);
    await at.things('lamp', at.robin, 3);
    await leave(both);
    const event = at.bench.reactivation(at.robin, 3, 'all');
    const { adminUrl } = at.bench.database;
    for (let n = 1; await crashes(n, adminUrl, () => at.bench.processor.apply([event])); n++) {
      expect(await at.owned(at.robin)).toBe(3);
      expect(await lamps()).toEqual(['off', 'off', 'off']);
    }
    const [receipt] = await at.bench.processor.apply([event]);
    expect(receipt!.rules).toMatchObject([{ affected: 3 }, { affected: 3 }]);
    expect(await at.owned(at.robin)).toBe(6);
  });

  it('works for each user of a batch separately', async () => {
    const people = [at.robin, await at.bench.person(), await at.bench.person()];
    for (const person of people) await at.things('chair', person, 2);
    await at.deliver(people.map((person) => at.bench.leaving(person, 'deactivated', unassignChairs)));
    await at.deliver(people.slice(1).map((person, n) => at.bench.reactivation(person, 3, n === 0 ? 'all' : undefined)));
    expect(await Promise.all(people.map(at.owned))).toEqual([0, 2, 0]);
  });
});

it('the undo table can be added to an existing installation', async () => {
  const later = [undoTable.name, '0008-remote-effects'];
  const before = desk.migrations.filter(({ name }) => !later.includes(name));
  const database = await testDatabase({
    name: 'desk_before_undo',
    fingerprint: fingerprint(before),
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, before)),
  });
  expect(await migrate(database.ownerUrl, desk.migrations)).toBe(2);
  expect(await migrate(database.ownerUrl, desk.migrations)).toBe(0);
  await database.drop();
});
