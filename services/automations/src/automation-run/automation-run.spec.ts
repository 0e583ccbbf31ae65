import {
  automationDeactivate,
  automationRun,
  automationRunGet,
  automationRuns,
  automations,
  type NewAutomationTrigger,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { leaves, returns, startAutomations } from '../testing/automations.js';

describe('a run of an automation', () => {
  let service: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    service = await startAutomations();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    robin = await service.person();
    kim = await service.person({ accountId: robin.accountId, name: 'Kim Example' });
  });
  const make = async (trigger: NewAutomationTrigger) =>
    (await service.call(robin, automations.create, { body: { name: 'Welcome', trigger } })).id;
  const run = (id: string, { userId }: Principal) =>
    service.call(robin, automationRun, { params: { id }, body: { userId } });

  it('completes for a user the trigger includes', async () => {
    const anybody = await make({ kind: 'any' });
    const done = await run(anybody, kim);
    expect(done).toMatchObject({ automationId: anybody, user: { name: 'Kim Example' }, status: 'completed' });
    expect(done).not.toHaveProperty('reason');
    expect(await run(await make({ kind: 'selected', userIds: [kim.userId] }), kim)).toMatchObject({
      status: 'completed',
    });
  });

  it('excludes a user who is not selected', async () => {
    const id = await make({ kind: 'selected', userIds: [robin.userId] });
    expect(await run(id, kim)).toMatchObject({ status: 'excluded', reason: 'not-selected' });
  });

  it.each(['deactivated', 'deleted'] as const)('is terminated or excluded for a %s user', async (status) => {
    const [anybody, selected] = [await make({ kind: 'any' }), await make({ kind: 'selected', userIds: [kim.userId] })];
    await leaves(service, kim, status);
    expect(await run(anybody, kim)).toMatchObject({ status: 'excluded', reason: 'user-inactive' });
    expect(await run(selected, kim)).toMatchObject({ status: 'terminated', reason: 'user-inactive' });
    expect(await run(anybody, robin)).toMatchObject({ status: 'completed' });
  });

  it('waits for the event about a return that identity knows of already', async () => {
    const id = await make({ kind: 'selected', userIds: [kim.userId] });
    await leaves(service, kim, 'deactivated');
    await service.identity.knows(kim, { status: 'active' });
    const { asked } = service.identity;
    const waiting = run(id, kim);
    await eventually(() => service.identity.asked > asked);
    await returns(service, kim);
    expect(await waiting).toMatchObject({ status: 'completed' });
  });

  it('needs an active automation', async () => {
    const id = await make({ kind: 'any' });
    await service.call(robin, automationDeactivate, { params: { id } });
    await expect(run(id, kim)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('can be read, and is removed with its automation', async () => {
    const id = await make({ kind: 'any' });
    const [first, second] = [await run(id, kim), await run(id, robin)];
    const page = await service.call(robin, automationRuns, { params: { id }, query: { limit: 1 } });
    expect(page.items).toEqual([second]);
    const rest = await service.call(robin, automationRuns, { params: { id }, query: { cursor: page.nextCursor! } });
    expect(rest).toEqual({ items: [first], nextCursor: null });
    const read = (by: Principal) => service.call(by, automationRunGet, { params: { id, runId: first.id } });
    expect(await read(robin)).toEqual(first);
    await expect(read(await service.person())).rejects.toMatchObject({ code: 'not-found' });
    await service.call(robin, automations.remove, { params: { id } });
    await expect(read(robin)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is not visible to another account', async () => {
    const id = await make({ kind: 'any' });
    const stranger = await service.person();
    const attempt = service.call(stranger, automationRun, { params: { id }, body: { userId: stranger.userId } });
    await expect(attempt).rejects.toMatchObject({ code: 'not-found' });
  });
});
