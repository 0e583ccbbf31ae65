import {
  automationActivate,
  automationDeactivate,
  automationExclusions,
  automationOwners,
  automations,
  type AutomationChanges,
  type NewAutomation,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { leaves, startAutomations } from '../testing/automations.js';
import { AutomationExclusion } from './automation.entity.js';

describe('automations', () => {
  let service: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    service = await startAutomations();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    robin = await service.person({ roles: ['admin'] });
    kim = await service.person({ accountId: robin.accountId, name: 'Kim Example' });
  });
  const make = (more: Partial<NewAutomation> = {}) =>
    service.call(robin, automations.create, { body: { name: 'Welcome', trigger: { kind: 'any' }, ...more } });
  const change = (id: string, body: AutomationChanges) =>
    service.call(robin, automations.update, { params: { id }, body });
  const owners = async (query = {}) => service.call(robin, automationOwners, { query });

  it('belong to their creator and are active by default', async () => {
    const made = await make();
    const trigger = { kind: 'any', userIds: [], users: [] };
    expect(made).toMatchObject({ ownerId: robin.userId, owner: { name: 'Robin Example' }, active: true, trigger });
    const inactive = await make({ ownerId: kim.userId, active: false });
    expect(inactive).toMatchObject({ ownerId: kim.userId, active: false });
    expect((await service.call(robin, automations.list, { query: { active: false } })).items).toEqual([inactive]);
    expect((await service.call(robin, automations.list, { query: { ownerId: 'me' } })).items).toEqual([made]);
  });

  it('show the users their trigger selects', async () => {
    const { id, trigger } = await make({ trigger: { kind: 'selected', userIds: [kim.userId, robin.userId] } });
    expect(trigger).toMatchObject({
      kind: 'selected',
      userIds: [kim.userId, robin.userId],
      users: [{ id: kim.userId, name: 'Kim Example', status: 'active' }, { id: robin.userId }],
    });
    await leaves(service, kim, 'deleted');
    const read = await service.call(robin, automations.get, { params: { id } });
    expect(read.trigger.users[0]).toEqual({ id: kim.userId, name: 'Deleted user', status: 'deleted' });
  });

  it("accept selected users exactly when the trigger's kind is selected", async () => {
    const fault = { code: 'validation', details: { errors: [{ field: 'trigger.userIds' }] } };
    await expect(make({ trigger: { kind: 'selected' } })).rejects.toMatchObject(fault);
    await expect(make({ trigger: { kind: 'any', userIds: [kim.userId] } })).rejects.toMatchObject(fault);
  });

  it('refuse users who have left, as owner and in the trigger', async () => {
    const { id } = await make();
    await leaves(service, kim, 'deactivated');
    const trigger = { kind: 'selected' as const, userIds: [robin.userId, kim.userId] };
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(make({ ownerId: kim.userId })).rejects.toMatchObject(refused);
    await expect(make({ trigger })).rejects.toMatchObject(refused);
    await expect(change(id, { ownerId: kim.userId })).rejects.toMatchObject(refused);
    await expect(change(id, { trigger })).rejects.toMatchObject(refused);
    expect(await service.call(robin, automations.get, { params: { id } })).toMatchObject({ trigger: { kind: 'any' } });
  });

  it('can be renamed, transferred and given another trigger', async () => {
    const { id } = await make({ trigger: { kind: 'selected', userIds: [robin.userId, kim.userId] } });
    expect(await change(id, { name: 'Hello' })).toMatchObject({ name: 'Hello', ownerId: robin.userId, active: true });
    expect(await change(id, { ownerId: kim.userId })).toMatchObject({ name: 'Hello', owner: { name: 'Kim Example' } });
    const selected = await change(id, { trigger: { kind: 'selected', userIds: [kim.userId] } });
    expect(selected.trigger.userIds).toEqual([kim.userId]);
    expect(await change(id, { trigger: { kind: 'any' } })).toMatchObject({ trigger: { kind: 'any', userIds: [] } });
  });

  it('can be deactivated and activated, but not activated under an owner who has left', async () => {
    const { id } = await make({ ownerId: kim.userId });
    const activate = () => service.call(robin, automationActivate, { params: { id } });
    const deactivate = () => service.call(robin, automationDeactivate, { params: { id } });
    expect(await deactivate()).toMatchObject({ active: false });
    expect(await activate()).toMatchObject({ active: true });
    await deactivate();
    await leaves(service, kim, 'deactivated');
    await expect(activate()).rejects.toMatchObject({
      code: 'conflict',
      details: { detail: expect.stringContaining('Transfer'), items: [kim.userId] },
    });
    await change(id, { ownerId: robin.userId });
    expect(await activate()).toMatchObject({ active: true });
  });

  it('list the owners who have not left', async () => {
    await make();
    await make();
    await make({ ownerId: kim.userId });
    await service.person({ accountId: robin.accountId, name: 'Owns nothing' });
    const first = await owners({ limit: 1 });
    expect(first.items).toEqual([{ id: kim.userId, name: 'Kim Example', status: 'active' }]);
    const second = await owners({ limit: 1, cursor: first.nextCursor });
    expect(second).toMatchObject({ items: [{ id: robin.userId }], nextCursor: null });
    await leaves(service, kim, 'deactivated');
    expect((await owners()).items.map(({ id }) => id)).toEqual([robin.userId]);
  });

  it('list the users they exclude, with paging', async () => {
    const { id } = await make();
    const em = service.em();
    for (const { userId } of [robin, kim]) {
      em.create(AutomationExclusion, { userId, automationId: id, accountId: robin.accountId });
    }
    await em.flush();
    await leaves(service, kim, 'deleted');
    const list = (query: object) => service.call(robin, automationExclusions, { params: { id }, query });
    const first = await list({ limit: 1 });
    expect(first.items).toEqual([{ id: kim.userId, name: 'Deleted user', status: 'deleted' }]);
    expect(await list({ cursor: first.nextCursor })).toMatchObject({ items: [{ id: robin.userId }], nextCursor: null });
    await service.call(robin, automations.remove, { params: { id } });
    await expect(list({})).rejects.toMatchObject({ code: 'not-found' });
  });

  it('are not visible to another account', async () => {
    const { id } = await make();
    const stranger = await service.person();
    for (const operation of [automations.get, automations.remove, automationActivate, automationDeactivate]) {
      await expect(service.call(stranger, operation, { params: { id } })).rejects.toMatchObject({ code: 'not-found' });
    }
    const exclusions = service.call(stranger, automationExclusions, { params: { id }, query: {} });
    await expect(exclusions).rejects.toMatchObject({ code: 'not-found' });
    expect((await service.call(stranger, automationOwners)).items).toEqual([]);
  });
});
