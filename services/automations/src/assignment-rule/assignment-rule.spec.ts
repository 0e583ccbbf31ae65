import {
  assign,
  assignmentGet,
  assignmentRules,
  assignments,
  type Assignment,
  type AssignmentQuery,
  type AssignmentRuleChanges,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { asAnotherProcess, eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { leaves, returns, startAutomations } from '../testing/automations.js';
import { AssignmentRuleMember } from './assignment-rule.entity.js';

describe('an assignment rule', () => {
  let service: TestService;
  let robin: Principal;
  let kim: Principal;
  let lee: Principal;
  beforeAll(async () => {
    service = await startAutomations();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    robin = await service.person({ roles: ['admin'] });
    kim = await service.person({ accountId: robin.accountId, name: 'Kim Example' });
    lee = await service.person({ accountId: robin.accountId, name: 'Lee Example' });
  });
  const make = (...people: Principal[]) =>
    service.call(robin, assignmentRules.create, { body: { name: 'Leads', userIds: people.map((p) => p.userId) } });
  const change = (id: string, body: AssignmentRuleChanges) =>
    service.call(robin, assignmentRules.update, { params: { id }, body });
  const next = (id: string, subjectId?: string): Promise<Assignment> =>
    service.call(robin, assign, { params: { id }, body: { subjectId } });
  const turns = async (id: string, count: number): Promise<string[]> => {
    const taken: string[] = [];
    while (taken.length < count) taken.push((await next(id)).userId);
    return taken;
  };
  const history = async (id: string, query: AssignmentQuery = {}) =>
    (await service.call(robin, assignments, { params: { id }, query })).items;
  const idsOf = (...people: Principal[]) => people.map((p) => p.userId);

  it('shows its users in order', async () => {
    const rule = await make(kim, robin);
    expect(rule).toMatchObject({
      name: 'Leads',
      userIds: idsOf(kim, robin),
      users: [{ name: 'Kim Example', status: 'active' }, { id: robin.userId }],
    });
    expect(await service.call(robin, assignmentRules.get, { params: { id: rule.id } })).toEqual(rule);
    const nameless = await service.call(robin, assignmentRules.create, { body: { userIds: idsOf(kim) } });
    expect(nameless.name).toBeNull();
  });

  it('assigns to a user whose return identity knows of already, once the event has arrived', async () => {
    const { id } = await make(kim);
    await leaves(service, kim, 'deactivated');
    await service.identity.knows(kim, { status: 'active' });
    const { asked } = service.identity;
    const waiting = next(id);
    await eventually(() => service.identity.asked > asked);
    await returns(service, kim);
    expect(await waiting).toMatchObject({ userId: kim.userId, status: 'assigned' });
  });

  it('is found by its users, with paging', async () => {
    const [first, second] = [await make(kim, robin), await make(kim)];
    await make(lee);
    const list = (query: object) => service.call(robin, assignmentRules.list, { query });
    const page = await list({ userId: kim.userId, limit: 1 });
    expect(page.items).toEqual([second]);
    expect(await list({ userId: kim.userId, limit: 1, cursor: page.nextCursor })).toEqual({
      items: [first],
      nextCursor: null,
    });
    expect((await list({ userId: 'me' })).items).toEqual([first]);
  });

  it('assigns in round-robin order', async () => {
    const { id } = await make(robin, kim, lee);
    expect(await turns(id, 5)).toEqual(idsOf(robin, kim, lee, robin, kim));
    const subjectId = service.ids.next();
    const assigned = await next(id, subjectId);
    expect(assigned).toMatchObject({ ruleId: id, subjectId, status: 'assigned', user: { name: 'Lee Example' } });
    expect(assigned).not.toHaveProperty('reason');
    const params = { id, assignmentId: assigned.id };
    expect(await service.call(robin, assignmentGet, { params })).toEqual(assigned);
    expect(await history(id, { limit: 1 })).toEqual([assigned]);
    expect(await history(id, { userId: 'me' })).toHaveLength(2);
  });

  it('is fair under concurrent requests', async () => {
    const { id } = await make(robin, kim, lee);
    const taken = await Promise.all(Array.from({ length: 30 }, () => next(id)));
    const byUser = Map.groupBy(taken, (assignment) => assignment.userId);
    expect(idsOf(robin, kim, lee).map((userId) => byUser.get(userId)!.length)).toEqual([10, 10, 10]);
  });

  it.each(['deactivated', 'deleted'] as const)(
    'records a failed turn for a %s user and goes on with the next',
    async (status) => {
      const { id } = await make(robin, kim, lee);
      await leaves(service, kim, status);
      await next(id);
      const name = status === 'deleted' ? 'Deleted user' : 'Kim Example';
      const failed = await next(id);
      expect(failed).toMatchObject({ status: 'failed', reason: 'user-inactive', userId: kim.userId, user: { name } });
      expect(await next(id)).toMatchObject({ status: 'assigned', userId: lee.userId });
      expect(await history(id, { status: 'failed' })).toEqual([failed]);
      await leaves(service, kim, 'active');
      await next(id);
      expect(await next(id)).toMatchObject({ status: 'assigned', userId: kim.userId });
    },
  );

  it('assigns nothing to a user who is leaving at that moment', async () => {
    const { id } = await make(kim);
    let turn: Promise<Assignment>;
    await service.em().transactional(async (em) => {
      // The same lock that a departure takes.
      await sql`select 1 from directory where user_id = ${kim.userId} for update`.execute(em.getKysely());
      turn = asAnotherProcess(() => next(id));
      await eventually(async () => {
        const { rows } = await sql`
          select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
          service.em().getKysely(),
        );
        return rows.length > 0;
      });
      await sql`update directory set status = 'deactivated' where user_id = ${kim.userId}`.execute(em.getKysely());
    });
    expect(await turn!).toMatchObject({ status: 'failed', reason: 'user-inactive' });
  });

  it('continues after the user of the last turn when its users change', async () => {
    const { id } = await make(robin, kim, lee);
    await turns(id, 2);
    expect(await change(id, { userIds: idsOf(lee, kim, robin) })).toMatchObject({ name: 'Leads' });
    expect(await turns(id, 2)).toEqual(idsOf(robin, lee));
    expect(await change(id, { name: 'Deals', userIds: idsOf(robin, kim) })).toMatchObject({ name: 'Deals' });
    expect(await turns(id, 2)).toEqual(idsOf(robin, kim));
  });

  it('skips users a departure has removed, and refuses to assign when none is left', async () => {
    const { id } = await make(robin, kim, lee);
    await turns(id, 2);
    const takeOut = ({ userId }: Principal) => service.em().nativeDelete(AssignmentRuleMember, { ruleId: id, userId });
    await takeOut(kim);
    expect(await turns(id, 3)).toEqual(idsOf(lee, robin, lee));
    await takeOut(robin);
    await takeOut(lee);
    await expect(next(id)).rejects.toMatchObject({ code: 'conflict' });
    await change(id, { userIds: idsOf(robin) });
    expect(await next(id)).toMatchObject({ status: 'assigned', userId: robin.userId });
  });

  it('refuses users who have left', async () => {
    const { id } = await make(robin);
    await leaves(service, kim, 'deactivated');
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(make(robin, kim)).rejects.toMatchObject(refused);
    await expect(change(id, { userIds: idsOf(robin, kim) })).rejects.toMatchObject(refused);
  });

  it('is not visible to another account', async () => {
    const { id } = await make(robin);
    const stranger = await service.person();
    const absent = { code: 'not-found' };
    const params = { id };
    await expect(service.call(stranger, assign, { params, body: {} })).rejects.toMatchObject(absent);
    await expect(service.call(stranger, assignments, { params, query: {} })).rejects.toMatchObject(absent);
    await expect(service.call(stranger, assignmentRules.update, { params, body: {} })).rejects.toMatchObject(absent);
    await service.call(robin, assignmentRules.remove, { params });
    await expect(next(id)).rejects.toMatchObject(absent);
  });
});
