import { RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import type { Automation as AutomationView, ResolvedRules, RunStatus, Transition } from '#libs/contracts';
import { Directory } from '#libs/database';
import { preview, proof } from '#libs/lifecycle';
import { RuleBench, type Person } from '#libs/lifecycle/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { AutomationRunController } from '../automation-run/automation-run.controller.js';
import { AutomationController } from '../automation/automation.controller.js';
import { AutomationExclusion } from '../automation/automation.entity.js';
import { entities, migrations } from '../automations.module.js';
import { automationsRules } from './automations.rules.js';

const RULE = 'automations.any-triggers';
const rules: ResolvedRules = {
  'automations.owned': { deactivated: { action: 'disable' } },
  [RULE]: { deactivated: { action: 'exclude' }, deleted: { action: 'exclude' } },
};

describe('automations for any user, when a user leaves', () => {
  let bench: RuleBench;
  let robin: Person;
  let kim: Person;
  beforeAll(async () => {
    bench = await RuleBench.open({ name: 'automations', entities, rules: automationsRules, migrations });
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    robin = await bench.person();
    kim = await bench.person({ accountId: robin.accountId });
  });

  const within = <T>(work: (em: EntityManager) => Promise<T>) => {
    const em = bench.orm.em as EntityManager;
    return RequestContext.create(em, () => em.transactional(() => work(em)));
  };
  const controllers = (em: EntityManager) => ({
    automations: new AutomationController(em, new Directory(em), bench.ids, bench.clock),
    runs: new AutomationRunController(em, new Directory(em), bench.ids, bench.clock),
  });
  const by = (person: Person) => ({ ...person, roles: ['agent'] as const });
  const make = (owner: Person, more: object = {}) =>
    bench.create(AutomationController, owner, {
      name: 'Welcome',
      trigger: { kind: 'any' },
      ...more,
    }) as Promise<AutomationView>;
  const change = (id: string, kind: 'any' | 'selected') => {
    const trigger = { kind, ...(kind === 'selected' && { userIds: [kim.userId] }) };
    const call = { principal: by(kim), params: { id }, query: {}, body: { trigger } };
    return within((em) => controllers(em).automations.update(call));
  };
  const run = async (id: string, { userId }: Person): Promise<RunStatus> => {
    const call = { principal: by(kim), params: { id }, query: {}, body: { userId } };
    return (await within((em) => controllers(em).runs.run(call))).status;
  };
  const excluded = async (id: string): Promise<string[]> => {
    const call = { principal: by(kim), params: { id }, query: {}, body: {} };
    return (await within((em) => controllers(em).automations.exclusions(call))).items.map((user) => user.id);
  };
  const leaves = async (person: Person, transition: Transition, lifecycleVersion = 2, activeSince = 1) => {
    const departure = { activeSince };
    const event = bench.leaving(person, transition, rules, { lifecycleVersion, departure });
    const [receipt] = await bench.processor.apply([event]);
    return receipt!.rules.filter((line) => line.rule === RULE).map((line) => line.affected);
  };
  const broken = async ({ userId }: Person, lifecycleVersion = 2) =>
    (await proof(bench.em().getKysely(), bench.rules, { users: [{ userId, lifecycleVersion }] })).broken;
  /** Waits until a transaction on this database waits for a lock. */
  const waitsForLock = () =>
    eventually(async () => {
      const { rows } = await sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        bench.em().getKysely(),
      );
      return rows.length > 0;
    });

  it.each(['deactivated', 'deleted'] as const)('stay active and exclude only the %s user', async (how) => {
    const { id } = await make(kim);
    await leaves(robin, how);
    expect(await excluded(id)).toEqual([robin.userId]);
    expect(await run(id, robin)).toBe('excluded');
    expect(await run(id, kim)).toBe('completed');
  });

  it('are counted alike in preview and receipt, including those disabled with their owner', async () => {
    await make(kim);
    await make(kim, { active: false });
    await make(robin);
    const request = { ...robin, steps: ['deactivated' as const], activeSince: 1, wasManager: false, rules };
    const lines = await preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
    expect(lines.find((line) => line.rule === RULE)).toMatchObject({ count: 3, action: 'exclude' });
    expect(await leaves(robin, 'deactivated')).toEqual([3]);
    expect(await broken(robin)).toEqual([]);
  });

  it('run again for a reactivated user, and exclude them when they leave again', async () => {
    const { id } = await make(kim);
    await leaves(robin, 'deactivated');
    await bench.processor.apply([bench.reactivation(robin)]);
    expect(await excluded(id)).toEqual([]);
    expect(await run(id, robin)).toBe('completed');
    expect(await leaves(robin, 'deactivated', 4, 3)).toEqual([1]);
    expect(await run(id, robin)).toBe('excluded');
    expect(await broken(robin, 4)).toEqual([]);
  });

  it('created after a departure exclude the user by status, and pass verification', async () => {
    const selected = await make(kim, { trigger: { kind: 'selected', userIds: [kim.userId] } });
    await leaves(robin, 'deactivated');
    bench.clock.advance(1);
    const { id } = await make(kim);
    await change(selected.id, 'any');
    expect([await run(id, robin), await run(selected.id, robin)]).toEqual(['excluded', 'excluded']);
    expect(await excluded(id)).toEqual([]);
    expect(await broken(robin)).toEqual([]);
    expect(await leaves(robin, 'deleted', 3)).toEqual([2]);
    expect(await excluded(id)).toEqual([robin.userId]);
  });

  it('lose their exclusions when they get selected users', async () => {
    const { id } = await make(kim);
    await leaves(robin, 'deactivated');
    await change(id, 'selected');
    expect(await excluded(id)).toEqual([]);
    bench.clock.advance(1);
    await change(id, 'any');
    expect(await run(id, robin)).toBe('excluded');
    expect(await broken(robin)).toEqual([]);
  });

  it('keep their exclusions when the trigger stays any user', async () => {
    const { id } = await make(kim);
    await leaves(robin, 'deactivated');
    await change(id, 'any');
    expect(await excluded(id)).toEqual([robin.userId]);
  });

  it('do not run for users they exclude, even if the directory says active', async () => {
    const { id } = await make(kim);
    const em = bench.em();
    em.create(AutomationExclusion, { userId: robin.userId, automationId: id, accountId: robin.accountId });
    await em.flush();
    expect(await run(id, robin)).toBe('excluded');
  });

  it('are found by a departure even while they are being created', async () => {
    const selected = await make(kim, { trigger: { kind: 'selected', userIds: [kim.userId] } });
    let departure: Promise<number[]> = Promise.resolve([]);
    const made = await within(async (em) => {
      const body = { name: 'Welcome', trigger: { kind: 'any' } };
      const { automations } = controllers(em);
      const { id } = (await automations.create({ principal: by(kim), params: {}, query: {}, body })) as AutomationView;
      const trigger = { kind: 'any' as const };
      await automations.update({ principal: by(kim), params: { id: selected.id }, query: {}, body: { trigger } });
      departure = leaves(robin, 'deactivated');
      await waitsForLock();
      return id;
    });
    expect(await departure).toEqual([2]);
    expect(await excluded(made)).toEqual([robin.userId]);
    expect(await broken(robin)).toEqual([]);
  });

  it('are not touched in another account', async () => {
    const stranger = await bench.person();
    const { id } = await make(stranger);
    expect(await leaves(robin, 'deactivated')).toEqual([0]);
    expect(await bench.em().find(AutomationExclusion, { automationId: id })).toEqual([]);
  });
});
