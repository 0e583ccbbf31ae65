import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { contacts, contactsMoved, type ContactsMoved, type Principal } from '#libs/contracts';
import { overlap } from '#libs/lifecycle/testing';
import type { TestService } from '#libs/platform/testing';
import { Contact } from '../contact/contact.entity.js';
import { startContacts } from '../testing/contacts.js';
import { leaves } from '../testing/leaving.js';

describe('contacts that move with a number', () => {
  let service: TestService;
  let robin: Principal;
  let kim: Principal;
  beforeAll(async () => {
    service = await startContacts();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    robin = await service.person({ roles: ['owner'] });
    kim = await service.person({ accountId: robin.accountId });
  });

  const aContact = async ({ accountId, userId }: Principal): Promise<string> => {
    const em = service.em();
    const id = service.ids.next();
    em.create(Contact, { id, accountId, assignee: userId, createdAt: service.clock.now() });
    await em.flush();
    return id;
  };
  const move = (contactIds: string[], to: Principal | null, more: Partial<ContactsMoved> = {}): ContactsMoved => ({
    ...{ id: service.ids.next(), accountId: robin.accountId, contactIds, userId: to?.userId ?? null, after: null },
    ...more,
  });
  const send = (moved: ContactsMoved) => service.client.ask(contactsMoved, moved);
  const assigneeOf = async (id: string, as = robin) =>
    (await service.call(as, contacts.get, { params: { id } })).assignee?.id ?? null;
  const imported = (id: string, { userId }: Principal) =>
    service.em().nativeUpdate(Contact, { id }, { assignee: userId });

  it('are assigned to the number’s new owner, or to nobody', async () => {
    const [moved, stays] = [await aContact(robin), await aContact(robin)];
    expect(await send(move([moved], kim))).toEqual({ done: true });
    expect([await assigneeOf(moved), await assigneeOf(stays)]).toEqual([kim.userId, robin.userId]);
    await send(move([moved], null));
    expect(await assigneeOf(moved)).toBeNull();
  });

  it('move once, even if the move is sent twice', async () => {
    const id = await aContact(robin);
    const once = move([id], kim);
    await send(once);
    await imported(id, robin);
    expect(await send(once)).toEqual({ done: true });
    expect(await assigneeOf(id)).toBe(robin.userId);
  });

  it('end up with the latest of several moves, in whatever order the moves arrive', async () => {
    const id = await aContact(robin);
    const [first, second] = [move([id], kim), move([id], robin)];
    await send(second);
    await send(first);
    expect(await assigneeOf(id)).toBe(robin.userId);
  });

  it('are assigned to nobody if the new owner has left in the meantime', async () => {
    const id = await aContact(robin);
    await leaves(service, kim, 'deactivated');
    expect(await send(move([id], kim))).toEqual({ done: true });
    expect(await assigneeOf(id)).toBeNull();
  });

  it('are not moved if they belong to another account', async () => {
    const stranger = await service.person();
    const id = await aContact(stranger);
    await send(move([id], kim));
    expect(await assigneeOf(id, stranger)).toBe(stranger.userId);
  });

  it('wait for the rules of the departure that moves them, so that its receipt counts them', async () => {
    const id = await aContact(kim);
    const moved = move([id], robin, { after: { userId: kim.userId, lifecycleVersion: 2 } });
    expect(await send(moved)).toEqual({ done: false });
    expect(await assigneeOf(id)).toBe(kim.userId);
    const unassign = { 'contacts.assignments': { deactivated: { action: 'unassign' as const } } };
    const lines = await leaves(service, kim, 'deactivated', unassign);
    expect(lines.find(({ rule }) => rule === 'contacts.assignments')).toMatchObject({ affected: 1 });
    expect(await send(moved)).toEqual({ done: true });
    expect(await assigneeOf(id)).toBe(robin.userId);
  });

  it.each(['before', 'after'] as const)('are not assigned to a user who leaves just %s they arrive', async (when) => {
    const leaver = await service.person({ accountId: robin.accountId });
    const [id, later] = [await aContact(robin), await aContact(robin)];
    const unassign = { 'contacts.assignments': { deactivated: { action: 'unassign' as const } } };
    const arrive = () => send(move([id], leaver));
    const leave = () => leaves(service, leaver, 'deactivated', unassign);
    const contested = {
      adminUrl: service.database.adminUrl,
      row: 'directory where user_id = $1',
      id: leaver.userId,
    };
    const seen = await (when === 'after' ? overlap(contested, arrive, leave) : overlap(contested, leave, arrive));
    expect(seen).toMatchObject({ first: { status: 'fulfilled' }, second: { status: 'fulfilled' }, hasWaited: true });
    await send(move([later], leaver));
    for (const one of [id, later]) expect(await assigneeOf(one)).toBeNull();
  });
});
