import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { callbacks, callbackUpdate, type CallbackChanges, type NewCallback, type Principal } from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { becomes, startTelephony } from '../testing/telephony.js';

const DUE = '2030-01-01T09:00:00.000Z';

describe('a callback', () => {
  let telephony: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    telephony = await startTelephony();
  });
  afterAll(() => telephony.stop());
  beforeEach(async () => {
    robin = await telephony.person();
    kim = await telephony.person({ accountId: robin.accountId, name: 'Kim Example' });
  });
  const make = (more: Partial<NewCallback> = {}) =>
    telephony.call(robin, callbacks.create, { body: { contactId: telephony.ids.next(), dueAt: DUE, ...more } });
  const change = (id: string, body: CallbackChanges, by = robin) =>
    telephony.call(by, callbackUpdate, { params: { id }, body });
  const read = (id: string, by = robin) => telephony.call(by, callbacks.get, { params: { id } });
  const listed = async (query: object) =>
    (await telephony.call(robin, callbacks.list, { query })).items.map(({ id }) => id);

  it('is pending and assigned to the caller by default', async () => {
    const mine = await make();
    expect(mine).toMatchObject({
      status: 'pending',
      assignee: { id: robin.userId, name: 'Robin Example' },
      dueAt: DUE,
    });
    const unassigned = await make({ assigneeId: null });
    expect(unassigned).toMatchObject({ assigneeId: null, assignee: null });
    const done = await make({ assigneeId: kim.userId, status: 'done' });
    expect(done).toMatchObject({ assigneeId: kim.userId, status: 'done' });
    expect(await read(mine.id)).toEqual(mine);
    expect(await listed({ assigneeId: 'me' })).toEqual([mine.id]);
    expect(await listed({ assigneeId: 'none' })).toEqual([unassigned.id]);
    expect(await listed({ status: 'done' })).toEqual([done.id]);
    expect(await listed({ contactId: mine.contactId })).toEqual([mine.id]);
  });

  it('can be reassigned, postponed and completed', async () => {
    const { id } = await make();
    const later = '2030-01-02T09:00:00.000Z';
    expect(await change(id, { assigneeId: kim.userId })).toMatchObject({
      assignee: { name: 'Kim Example' },
      dueAt: DUE,
    });
    expect(await change(id, { dueAt: later })).toMatchObject({ assigneeId: kim.userId, dueAt: later });
    expect(await change(id, { status: 'done' })).toMatchObject({ status: 'done', assigneeId: kim.userId });
    expect(await change(id, { status: 'pending', assigneeId: null })).toMatchObject({
      status: 'pending',
      assignee: null,
    });
  });

  it('cannot be assigned to a user who has left, nor reopened for one', async () => {
    const { id: waiting } = await make();
    const { id: done } = await make({ assigneeId: kim.userId, status: 'done' });
    await becomes(telephony, kim, 'deactivated');
    const refused = { code: 'inactive-user', details: { items: [kim.userId] } };
    await expect(make({ assigneeId: kim.userId })).rejects.toMatchObject(refused);
    await expect(change(waiting, { assigneeId: kim.userId })).rejects.toMatchObject(refused);
    await expect(change(done, { status: 'pending' })).rejects.toMatchObject(refused);
    expect(await read(done)).toMatchObject({ status: 'done', assigneeId: kim.userId });
    expect(await change(done, { status: 'pending', assigneeId: robin.userId })).toMatchObject({ status: 'pending' });
    const { id: another } = await make({ assigneeId: null, status: 'done' });
    expect(await change(another, { status: 'pending' })).toMatchObject({ status: 'pending', assigneeId: null });
  });

  it('can still be postponed, completed and reassigned when its assignee has left', async () => {
    const [first, second] = [await make({ assigneeId: kim.userId }), await make({ assigneeId: kim.userId })];
    await becomes(telephony, kim, 'deactivated');
    expect(await read(first.id)).toMatchObject({ assignee: { name: 'Kim Example', status: 'deactivated' } });
    expect(await change(first.id, { dueAt: DUE, status: 'pending' })).toMatchObject({ assigneeId: kim.userId });
    expect(await change(first.id, { status: 'done' })).toMatchObject({ status: 'done', assigneeId: kim.userId });
    expect(await change(second.id, { assigneeId: robin.userId })).toMatchObject({ assigneeId: robin.userId });
    await becomes(telephony, kim, 'deleted');
    expect(await read(first.id)).toMatchObject({ assignee: { name: 'Deleted user', status: 'deleted' } });
  });

  it('can be reopened for a user who was reactivated', async () => {
    const { id } = await make({ assigneeId: kim.userId, status: 'done' });
    await becomes(telephony, kim, 'deactivated');
    await becomes(telephony, kim, 'active');
    expect(await change(id, { status: 'pending' })).toMatchObject({ status: 'pending', assigneeId: kim.userId });
  });

  it('is not visible to another account', async () => {
    const { id } = await make();
    const stranger = await telephony.person();
    await expect(read(id, stranger)).rejects.toMatchObject({ code: 'not-found' });
    await expect(change(id, { status: 'done' }, stranger)).rejects.toMatchObject({ code: 'not-found' });
  });
});
