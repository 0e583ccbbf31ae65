import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { contacts, contactsMoved, type ContactsMoved, type Principal } from '#libs/contracts';
import { overlap } from '#libs/lifecycle/testing';
import type { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { Contact } from '../contact/contact.entity.js';
import { startContacts } from '../testing/contacts.js';
import { leaves, returns } from '../testing/leaving.js';

const NUMBERS = 'telephony.numbers';

describe('contacts that move with a departure', () => {
  let service: TestService;
  let robin: Principal;
  let heir: Principal;
  beforeAll(async () => {
    service = await startContacts();
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    heir = await service.person({ roles: ['owner'] });
    robin = await service.person({ accountId: heir.accountId });
  });

  async function aContact(assignee: Principal | null = robin): Promise<string> {
    const em = service.em();
    const [id, createdAt] = [service.ids.next(), service.clock.now()];
    em.create(Contact, { id, accountId: heir.accountId, assignee: assignee?.userId ?? null, createdAt });
    await em.flush();
    return id;
  }
  const move = (contactIds: string[], more: Partial<ContactsMoved> = {}): ContactsMoved => ({
    ...{ id: service.ids.next(), accountId: heir.accountId, contactIds, userId: heir.userId },
    after: { userId: robin.userId, lifecycleVersion: 2 },
    departure: { rule: NUMBERS, decidedAt: service.clock.now().toISOString(), undoable: true },
    ...more,
  });
  const undo = (lifecycleVersion = 3, more: Partial<ContactsMoved> = {}): ContactsMoved => ({
    ...{ id: service.ids.next(), accountId: heir.accountId, contactIds: [], userId: robin.userId },
    after: { userId: robin.userId, lifecycleVersion },
    undoes: { rule: NUMBERS, lifecycleVersion: 2 },
    ...more,
  });
  const send = (moved: ContactsMoved) => service.client.ask(contactsMoved, moved);
  const assigneeOf = async (id: string) =>
    (await service.call(heir, contacts.get, { params: { id } })).assignee?.id ?? null;
  const isImported = (id: string, { userId }: Principal) =>
    sql`update contact set assignee = ${userId}, assigned_at = ${service.clock.now()} where id = ${id}`.execute(
      service.em().getKysely(),
    );
  const rowsOf = async ({ userId }: Principal) =>
    (await sql`select 1 from contact_move m where user_id = ${userId}`.execute(service.em().getKysely())).rows.length;

  it('are counted, each once, however often the move is sent', async () => {
    const [mine, free, stays] = [await aContact(), await aContact(null), await aContact()];
    await leaves(service, robin, 'deactivated');
    const once = move([mine, free, service.ids.next()]);
    expect(await send(once)).toEqual({ done: true, moved: 2 });
    await isImported(mine, robin);
    expect(await send(once)).toEqual({ done: true, moved: 2 });
    expect(await send(move([mine, free]))).toEqual({ done: true, moved: 0 });
    expect(await Promise.all([mine, free, stays].map(assigneeOf))).toEqual([robin.userId, heir.userId, robin.userId]);
  });

  it('wait for this service’s own rules, and move for no decision behind a newer one', async () => {
    const id = await aContact();
    expect(await send(move([id]))).toEqual({ done: false });
    await leaves(service, robin, 'deactivated');
    await returns(service, robin);
    expect(await send(move([id]))).toEqual({ done: false, superseded: true });
    const { departure: _none, ...fromOldVersion } = move([id]);
    expect(await send(fromOldVersion)).toEqual({ done: true });
    expect(await assigneeOf(id)).toBe(robin.userId);
  });

  it('are left alone and not counted if an import has assigned them since the decision', async () => {
    const [imported, moved] = [await aContact(), await aContact()];
    await isImported(moved, robin);
    service.clock.advance(1_000);
    const late = move([imported, moved]);
    await leaves(service, robin, 'deactivated');
    service.clock.advance(1_000);
    await isImported(imported, robin);
    expect(await send(late)).toEqual({ done: true, moved: 1 });
    expect([await assigneeOf(imported), await assigneeOf(moved)]).toEqual([robin.userId, heir.userId]);
  });

  it('are assigned to nobody, with a warning, if the successor has left', async () => {
    const other = await service.person({ accountId: heir.accountId });
    const id = await aContact();
    await leaves(service, robin, 'deactivated');
    await leaves(service, other, 'deactivated');
    const answer = await send(move([id], { userId: other.userId }));
    expect(answer).toEqual({ done: true, moved: 1, warning: 'successor-has-left' });
    expect(await assigneeOf(id)).toBeNull();
  });

  it('are counted by the new version, if a contacts service of an earlier version has moved them', async () => {
    const id = await aContact();
    await leaves(service, robin, 'deactivated');
    const request = move([id]);
    await sql`update contact set assignee = ${heir.userId}, moved_by = ${request.id} where id = ${id}`.execute(
      service.em().getKysely(),
    );
    expect(await send(request)).toEqual({ done: true, moved: 1 });
  });

  it('move back to whom they were assigned to, also to nobody, once', async () => {
    const colleague = await service.person({ accountId: heir.accountId });
    const all = [await aContact(), await aContact(colleague), await aContact(null)];
    await leaves(service, robin, 'deactivated');
    await send(move(all));
    expect(await send(undo())).toEqual({ done: false });
    await returns(service, robin);
    const request = undo();
    expect(await send(request)).toEqual({ done: true, moved: 3, notRestored: 0 });
    expect(await Promise.all(all.map(assigneeOf))).toEqual([robin.userId, colleague.userId, null]);
    await isImported(all[1]!, heir);
    expect(await send(request)).toEqual({ done: true, moved: 3, notRestored: 0 });
    expect(await assigneeOf(all[1]!)).toBe(heir.userId);
    expect(await send(undo(2))).toEqual({ done: false, superseded: true });
  });

  it('stay if something has assigned them since, or if the former assignee has left', async () => {
    const colleague = await service.person({ accountId: heir.accountId });
    const [imported, reassigned, of, back] = [
      await aContact(),
      await aContact(),
      await aContact(colleague),
      await aContact(),
    ];
    await leaves(service, robin, 'deactivated');
    await send(move([imported, reassigned, of, back]));
    service.clock.advance(1_000);
    await isImported(imported, heir);
    await send({
      id: service.ids.next(),
      accountId: heir.accountId,
      contactIds: [reassigned],
      userId: null,
      after: null,
    });
    await leaves(service, colleague, 'deactivated');
    await returns(service, robin);
    expect(await send(undo())).toEqual({ done: true, moved: 1, notRestored: 3 });
    const now = await Promise.all([imported, reassigned, of, back].map(assigneeOf));
    expect(now).toEqual([heir.userId, null, heir.userId, robin.userId]);
  });

  it('move back to the leaver, if a rule of this service had taken them in the same departure', async () => {
    const id = await aContact();
    await leaves(service, robin, 'deactivated', { 'contacts.assignments': { deactivated: { action: 'unassign' } } });
    await send(move([id]));
    await returns(service, robin);
    await send(undo());
    expect(await assigneeOf(id)).toBe(robin.userId);
  });

  it('count as moved back if that rule has given them back first', async () => {
    const id = await aContact();
    const assignments = { deactivated: { action: 'transfer' as const, to: heir.userId } };
    await leaves(service, robin, 'deactivated', { 'contacts.assignments': assignments });
    await send(move([id]));
    await returns(service, robin, 'all');
    expect(await assigneeOf(id)).toBe(robin.userId);
    expect(await send(undo())).toEqual({ done: true, moved: 1, notRestored: 0 });
    expect(await assigneeOf(id)).toBe(robin.userId);
  });

  it('of two rules move back one after the other', async () => {
    const other = await service.person({ accountId: heir.accountId });
    const id = await aContact();
    await leaves(service, robin, 'deactivated');
    await send(move([id]));
    const routing = { rule: 'telephony.call-routing', decidedAt: service.clock.now().toISOString(), undoable: true };
    await send(move([id], { userId: other.userId, departure: routing }));
    await returns(service, robin);
    expect(await send(undo(3, { undoes: { rule: routing.rule, lifecycleVersion: 2 } }))).toMatchObject({ moved: 1 });
    expect(await assigneeOf(id)).toBe(heir.userId);
    expect(await send(undo())).toMatchObject({ moved: 1 });
    expect(await assigneeOf(id)).toBe(robin.userId);
  });

  it('are forgotten with the leaver', async () => {
    const id = await aContact();
    await leaves(service, robin, 'deactivated');
    await send(move([id]));
    expect(await rowsOf(robin)).toBe(1);
    await leaves(service, robin, 'deleted');
    expect(await rowsOf(robin)).toBe(0);
    expect(await assigneeOf(id)).toBe(heir.userId);
  });

  it.each(['before', 'after'] as const)('do not move behind a return that comes just %s the request', async (when) => {
    const id = await aContact();
    await leaves(service, robin, 'deactivated');
    const request = () => send(move([id]));
    const back = () => returns(service, robin);
    const contested = { adminUrl: service.database.adminUrl, row: 'directory where user_id = $1', id: robin.userId };
    const seen = await (when === 'after' ? overlap(contested, request, back) : overlap(contested, back, request));
    expect(seen).toMatchObject({ first: { status: 'fulfilled' }, second: { status: 'fulfilled' }, hasWaited: true });
    expect(await assigneeOf(id)).toBe(when === 'after' ? heir.userId : robin.userId);
  });
});
