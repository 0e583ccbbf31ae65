import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  authenticate,
  authLogin,
  authRefresh,
  departuresRetry,
  invitationsAccept,
  legalHoldPut,
  myApiTokensCreate,
  NOBODY,
  passwordResetConfirm,
  passwordResetRequest,
  usersGet,
  usersInvite,
  usersTransfer,
  type MailToSend,
  type Principal,
  type User,
  type UserTransfer,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, PASSWORD, tally, type TestIdentity } from '../../../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let n = 0;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => departures.stop());

const successor = (): UserTransfer => ({
  name: 'Nell Newcomer',
  email: `nell${++n}@example.com`,
  staffId: `NELL-${n}`,
});
const transfer = (by: Principal, id: string, to = successor()) =>
  identity.call(usersTransfer, { principal: by, params: { id }, body: to });
const get = (id: string) => identity.call(usersGet, { principal: owner, params: { id } });
const login = (email: string, password = PASSWORD) =>
  identity.call(authLogin, { principal: NOBODY, body: { email, password } });
const principalOf = ({ id, roles }: User): Principal => ({ accountId: owner.accountId, userId: id, roles });

/** The mails that are requested during the work. */
async function mailsDuring(count: number, work: () => Promise<unknown>): Promise<MailToSend[]> {
  const before = (await identity.mails()).length;
  await work();
  const mails = (await identity.mails()).slice(before);
  expect(mails).toHaveLength(count);
  return mails;
}

describe('a transferred user', () => {
  it('keeps id, roles and teams, and has a new name, email and staff id', async () => {
    const before = await identity.aUser(owner, { roles: ['admin'] });
    const to = successor();
    const changed = { avatarUrl: null, lifecycleVersion: before.lifecycleVersion + 1, departureId: expect.any(String) };
    expect(await transfer(owner, before.id, to)).toEqual({ ...before, ...to, ...changed });
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: before.id } });
    expect(items[0]).toMatchObject({ action: 'user.transferred', actor: { id: owner.userId }, detail: to });
  });

  it('has a departure with a receipt for each rule, as previewed', async () => {
    const user = await identity.aUser(owner, { roles: ['admin'] });
    await login(user.email!);
    await identity.call(myApiTokensCreate, {
      principal: await identity.signedIn(principalOf(user)),
      body: { name: 'Laptop', scopes: ['read'] },
    });
    const preview = await departures.preview(owner, user.id, 'transferred');
    expect(preview).toMatchObject({ possible: true, blockers: [], transition: 'transferred' });
    const counts = preview.rules.map(({ rule, count }) => [rule, count]);
    expect(counts).toEqual([
      ['identity.sessions', 2],
      ['identity.api-tokens', 1],
      ['identity.invitations', 0],
      ['identity.credentials', 1],
      ['identity.provisioning-tokens', 0],
    ]);
    const { departureId: id } = await transfer(owner, user.id);
    const departure = await departures.until(owner, { id }, 'completed');
    expect(departure).toMatchObject({ transition: 'transferred', requestedBy: owner.userId, reason: null });
    const lines = departure.services.find(({ service }) => service === 'identity')!.rules;
    expect(lines.map(({ rule, affected }) => [rule, affected])).toEqual(counts);
    expect(lines.every(({ remaining }) => remaining === 0)).toBe(true);
    expect(await get(user.id)).toMatchObject({ status: 'active', roles: ['admin'] });
  });

  it('is published with the new name', async () => {
    const { id } = await identity.aUser(owner);
    await transfer(owner, id);
    await eventually(async () => {
      const [known] = await departures.peer.query(
        sql<{ name: string }>`select name from directory where user_id = ${id}`,
      );
      expect(known).toEqual({ name: 'Nell Newcomer' });
    });
  });

  it('can be used by the new person with a mailed token; the former person has no access', async () => {
    const user = await identity.aUser(owner);
    const signedIn = await login(user.email!);
    const { token: apiToken } = await identity.call(myApiTokensCreate, {
      principal: await identity.signedIn(principalOf(user)),
      body: { name: 'Laptop', scopes: ['read'] },
    });
    const [oldReset] = await mailsDuring(1, () =>
      identity.call(passwordResetRequest, { principal: NOBODY, body: { email: user.email! } }),
    );
    const to = successor();
    const mails = await mailsDuring(2, () => transfer(owner, user.id, to));
    // They are requested at the same time.
    const [notice, mail] = mails.sort((one, other) => one.kind.localeCompare(other.kind));
    expect(notice).toMatchObject({ kind: 'email-changed', to: user.email });
    expect(mail).toMatchObject({ kind: 'password-reset', to: to.email });
    expect(await outcomeOf(login(user.email!))).toBe('invalid-credentials');
    expect(await outcomeOf(login(to.email))).toBe('invalid-credentials');
    const refreshToken = signedIn.refreshToken;
    expect(await outcomeOf(identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } }))).not.toBe('ok');
    expect(await identity.client.ask(authenticate, { token: apiToken })).toBeNull();
    const choose = (token: string, password: string) =>
      identity.call(passwordResetConfirm, { principal: NOBODY, body: { token, password } });
    expect(await outcomeOf(choose(oldReset!.token!, 'the former one again'))).toBe('gone');
    await choose(mail!.token!, 'a password of my own');
    expect((await login(to.email, 'a password of my own')).user).toMatchObject({ id: user.id, name: 'Nell Newcomer' });
  });

  it('has no open invitations that the former person may know', async () => {
    const user = await identity.aUser(owner, { roles: ['admin'] });
    const sent = await identity.call(usersInvite, {
      principal: principalOf(user),
      body: { name: 'Ivy', email: `ivy${++n}@example.com`, staffId: `IVY-${n}` },
    });
    await transfer(owner, user.id);
    const body = { token: sent.invitation!.token!, password: PASSWORD };
    expect(await outcomeOf(identity.call(invitationsAccept, { principal: NOBODY, body }))).toBe('gone');
  });

  it('who had only been invited gets a new invitation; the first one is invalid', async () => {
    const invited = await identity.aUser(owner, { password: undefined });
    const to = successor();
    const moved = await transfer(owner, invited.id, to);
    expect(moved).toMatchObject({ id: invited.id, status: 'invited', name: to.name });
    const accept = (token: string) =>
      identity.call(invitationsAccept, { principal: NOBODY, body: { token, password: PASSWORD } });
    expect(await outcomeOf(accept(invited.invitation!.token!))).toBe('gone');
    expect((await accept(moved.invitation!.token!)).user).toMatchObject({ id: invited.id, status: 'active' });
  });
});

describe('a transfer is refused', () => {
  it('for callers who do not manage the user', async () => {
    const [admin, agent] = [await identity.aPerson(owner, { roles: ['admin'] }), await identity.aPerson(owner)];
    expect(await outcomeOf(transfer(agent, agent.userId))).toBe('forbidden');
    expect(await outcomeOf(transfer(admin, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(transfer(admin, admin.userId))).toBe('forbidden');
    expect(await outcomeOf(transfer(owner, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(transfer(ownerOf(await identity.anAccount()), agent.userId))).toBe('not-found');
    expect(await outcomeOf(transfer(admin, agent.userId))).toBe('ok');
  });

  it('for a user who has left, is under legal hold or has a scheduled departure', async () => {
    const [gone, held, leaving] = await Promise.all([1, 2, 3].map(() => identity.aUser(owner)));
    await departures.deactivate(owner, gone!.id);
    expect(await outcomeOf(transfer(owner, gone!.id))).toBe('conflict');
    await identity.call(legalHoldPut, { principal: owner, params: { id: held!.id }, body: { reason: 'A case' } });
    expect(await outcomeOf(transfer(owner, held!.id))).toBe('legal-hold');
    const effectiveAt = new Date(identity.clock.millis() + 86_400_000).toISOString();
    await departures.deactivate(owner, leaving!.id, { effectiveAt });
    expect(await outcomeOf(transfer(owner, leaving!.id))).toBe('conflict');
  });

  it('for the last owner who can log in', async () => {
    const other = await identity.aPerson(owner, { roles: ['owner'] });
    await identity.query(sql`update users set password_hash = null where id = ${other.userId}`);
    expect(await outcomeOf(transfer(other, owner.userId))).toBe('sole-owner');
    expect((await departures.preview(other, owner.userId, 'transferred')).blockers).toMatchObject([
      { code: 'sole-owner', items: [owner.userId] },
    ]);
    await identity.aUser(owner, { roles: ['owner'], password: undefined });
    expect(await outcomeOf(transfer(other, owner.userId))).toBe('sole-owner');
    await identity.aUser(owner, { roles: ['owner'] });
    expect(await outcomeOf(transfer(other, owner.userId))).toBe('ok');
  });

  it('while a reactivation is open, which it would supersede', async () => {
    const { id } = await identity.aUser(owner);
    await departures.until(owner, await departures.deactivate(owner, id), 'completed');
    await departures.peer.pause();
    const back = await departures.reactivate(owner, id);
    expect(await outcomeOf(transfer(owner, id))).toBe('conflict');
    expect((await departures.preview(owner, id, 'transferred')).blockers).toMatchObject([
      { code: 'conflict', items: [back.id] },
    ]);
    await departures.peer.start();
    await departures.until(owner, back, 'completed');
    expect(await outcomeOf(transfer(owner, id))).toBe('ok');
  });

  it('and an open take-over is finished by the decision that supersedes it, also after a retry', async () => {
    const { id } = await identity.aUser(owner);
    await departures.peer.pause();
    const first = await transfer(owner, id);
    const second = await transfer(owner, id);
    const left = await departures.deactivate(owner, id);
    const back = await departures.reactivate(owner, id);
    const of = async (departureId: string) => {
      const [row] = await identity.query(
        sql<{ status: string; steps: string; at: number }>`
          select status, array_to_string(steps, ' ') as steps, (wishes ->> 'takenOverAt')::int as at
          from departure where id = ${departureId}`,
      );
      return row;
    };
    expect(await of(first.departureId)).toEqual({ status: 'superseded', steps: 'transferred', at: null });
    expect(await of(second.departureId)).toEqual({ status: 'superseded', steps: 'transferred', at: null });
    expect(await of(left.id)).toEqual({ status: 'superseded', steps: 'transferred deactivated', at: 3 });
    expect(await of(back.id)).toEqual({ status: 'running', steps: 'transferred', at: 3 });
    await identity.call(departuresRetry, { principal: owner, params: { id: back.id } });
    await departures.peer.start();
    await departures.until(owner, back, 'completed');
    const [applied] = await departures.peer.query(
      sql<{ type: string; departure: string }>`
        select type, departure_id as departure from inbox where user_id = ${id} and status = 'completed'`,
    );
    expect(applied).toEqual({ type: 'user.reactivated', departure: back.id });
  });

  it('if the email or staff id is taken, also by the user itself', async () => {
    const [user, other] = [await identity.aUser(owner), await identity.aUser(owner)];
    const to = successor();
    const staffId = other.staffId!;
    expect(await outcomeOf(transfer(owner, user.id, { ...to, email: other.email!.toUpperCase() }))).toBe(
      'duplicate-email',
    );
    expect(await outcomeOf(transfer(owner, user.id, { ...to, email: user.email! }))).toBe('duplicate-email');
    expect(await outcomeOf(transfer(owner, user.id, { ...to, staffId }))).toBe('duplicate-staff-id');
    expect(await get(user.id)).toMatchObject({ name: user.name, email: user.email });
    expect(await outcomeOf(login(user.email!))).toBe('ok');
  });

  it('for all but one of several concurrent requests', async () => {
    const admins = await Promise.all(Array.from({ length: 6 }, () => identity.aPerson(owner, { roles: ['admin'] })));
    const { id } = await identity.aUser(owner);
    const { ok, ...refused } = await tally(admins.map((admin) => transfer(admin, id)));
    expect(ok).toBeGreaterThanOrEqual(1);
    expect((ok ?? 0) + (refused.conflict ?? 0)).toBe(6);
    const transfers = await identity.query(
      sql`select from audit_entry where subject_id = ${id} and action = 'user.transferred'`,
    );
    expect(transfers).toHaveLength(ok!);
  });
});
