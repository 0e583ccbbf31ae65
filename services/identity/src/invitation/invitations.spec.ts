import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  accountGet,
  accountUpdate,
  auditList,
  authenticate,
  invitationsAccept,
  invitationsGet,
  invitationsList,
  invitationsResend,
  invitationsRevoke,
  NOBODY,
  usersDeactivate,
  usersGet,
  usersReactivate,
  usersTransfer,
  usersUpdate,
  type InvitationQuery,
  type InvitedUser,
  type Principal,
} from '#libs/contracts';
import { IdentityConfig } from '../identity.config.js';
import { MailBudgets } from '../mail/mail-budgets.js';
import { outcomeOf, ownerOf, PASSWORD, tally, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let owner: Principal;
let invited: InvitedUser;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  invited = await identity.aUser(owner, { password: undefined });
});
afterAll(() => identity.stop());

async function isVerified(userId: string): Promise<boolean> {
  const [row] = await identity.query(
    sql<{ verified: boolean }>`select email_verified_at is not null as verified from users where id = ${userId}`,
  );
  return row!.verified;
}

const accept = (token: string) =>
  identity.call(invitationsAccept, { principal: NOBODY, body: { token, password: PASSWORD } });

describe('an invitation', () => {
  it('activates the user, signs them in and publishes the change', async () => {
    const answer = await accept(invited.invitation!.token!);
    expect(answer.user).toMatchObject({ id: invited.id, status: 'active', lifecycleVersion: 2 });
    expect(await identity.client.ask(authenticate, { token: answer.accessToken })).toMatchObject({
      userId: invited.id,
    });
    const events = await identity.query(sql<{ data: object }>`
      select event->'data' as data from outbox where user_id = ${invited.id} order by seq`);
    expect(events.map((row) => row.data)).toMatchObject([
      { seq: 1, lifecycleVersion: 1, profile: { status: 'invited' } },
      { seq: 2, lifecycleVersion: 2, profile: { status: 'active' } },
    ]);
  });

  it('is valid once, even with 20 concurrent calls', async () => {
    const all = Array.from({ length: 20 }, () => accept(invited.invitation!.token!));
    expect(await tally(all)).toEqual({ gone: 19, ok: 1 });
  });

  it('is invalid if revoked, expired, or for a user who has left', async () => {
    const late = await identity.aUser(owner, { password: undefined });
    const left = await identity.aUser(owner, { password: undefined });
    await identity.query(sql`update invitation set revoked = true, revoked_at = now() where user_id = ${invited.id}`);
    await identity.query(sql`update invitation set expires_at = ${identity.clock.now()} where user_id = ${late.id}`);
    await identity.query(sql`update users set status = 'deactivated' where id = ${left.id}`);
    for (const { invitation } of [invited, late, left])
      expect(await outcomeOf(accept(invitation!.token!))).toBe('gone');
    expect(await outcomeOf(accept('made up'))).toBe('not-found');
  });

  it('is sent by mail after the commit', async () => {
    expect(await outcomeOf(identity.aUser(owner, { password: undefined, email: invited.email! }))).toBe(
      'duplicate-email',
    );
    const user = await identity.aUser(owner, { password: undefined });
    const mails = await identity.mails(user.email!);
    expect(mails).toHaveLength(1);
    const { token, ...mail } = mails[0]!;
    const { accountId, userId: invitedById } = owner;
    const { expiresAt } = user.invitation!;
    expect(mail).toEqual({
      ...{ id: expect.any(String), kind: 'invitation', to: user.email, expiresAt },
      ...{ accountId, userId: user.id, invitedById },
    });
    // The inviter reads the answer, so only the token in the mail proves the address.
    expect(token).not.toBe(user.invitation!.token);
    expect((await accept(token!)).user.id).toBe(user.id);
    expect(await isVerified(user.id)).toBe(true);
  });

  it('has no token in any answer by default: only the mail lets in', async () => {
    const config = identity.get(IdentityConfig);
    config.invitationTokens = 'mail';
    try {
      const user = await identity.aUser(owner, { password: undefined });
      expect(user.invitation).toEqual({ expiresAt: expect.any(String) });
      const { items } = await identity.call(invitationsList, { principal: owner, query: {} });
      const sent = items.find((one) => one.user.id === user.id)!;
      const again = await identity.call(invitationsResend, { principal: owner, params: { id: sent.id } });
      expect(again).not.toHaveProperty('token');
      const mails = await identity.mails(user.email!);
      const [former, current] = mails.map(({ token }) => token!);
      expect(await outcomeOf(accept(former!))).toBe('gone');
      expect((await accept(current!)).user.id).toBe(user.id);
      expect(await isVerified(user.id)).toBe(true);
    } finally {
      config.invitationTokens = 'answer';
    }
  });

  it('does not prove the address when it is accepted with the token in the answer', async () => {
    await accept(invited.invitation!.token!);
    expect(await isVerified(invited.id)).toBe(false);
  });

  it('is mailed so often to one mailbox in an hour and in a day, whichever accounts send it', async () => {
    const mailed = async () => (await identity.mails()).slice(before).map(({ to }) => to);
    const before = (await identity.mails()).length;
    const budgets = identity.get(MailBudgets);
    for (let n = 0; n < 19; n++) expect(await budgets.take('victim@example.com')).toBe(true);
    const inviters = await Promise.all([identity.anAccount(), identity.anAccount()]);
    const invite = async (n: number, email: string) =>
      identity.aUser(ownerOf(inviters[n]!), { password: undefined, email });
    await invite(0, 'Victim+shop@example.com');
    expect(await mailed()).toEqual(['Victim+shop@example.com']);
    await invite(1, 'victim@example.com');
    await invite(1, 'another@example.com');
    expect(await mailed()).toEqual(['Victim+shop@example.com', 'another@example.com']);
    let day = 20;
    for (let hour = 0; hour < 6; hour++) {
      identity.clock.advance(3_600_000);
      for (let n = 0; n < 25; n++) if (await budgets.take('victim@example.com')) day++;
    }
    // 60 a day, and what becomes free in six hours.
    expect(day).toBeGreaterThanOrEqual(60);
    expect(day).toBeLessThanOrEqual(76);
    const [row] = await identity.query(
      sql<{ text: string }>`select string_agg(b::text, ' ') as text from mail_budget b`,
    );
    expect(row!.text).not.toContain('victim');
    identity.clock.advanceDays(2);
    expect(await budgets.take('ada@example.com')).toBe(true);
    expect(await identity.query(sql`select from mail_budget`)).toHaveLength(1);
  });
});

describe('managers of invitations', () => {
  const list = async (query: InvitationQuery = {}) =>
    (await identity.call(invitationsList, { principal: owner, query })).items;
  const idOf = async ({ id }: { id: string }) => (await list({ status: 'all' })).find(({ user }) => user.id === id)!.id;
  const resend = (id: string, principal = owner) => identity.call(invitationsResend, { principal, params: { id } });
  const revoke = (id: string, principal = owner) => identity.call(invitationsRevoke, { principal, params: { id } });
  const usedSeats = async () => (await identity.call(accountGet, { principal: owner })).seats.used;
  const audited = async (action: string) =>
    (await identity.call(auditList, { principal: owner, query: { action, subjectId: invited.id } })).items;

  it('list the open ones, with their senders and without tokens', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const late = await identity.aUser(admin, { password: undefined });
    await identity.query(sql`update invitation set expires_at = ${identity.clock.now()} where user_id = ${late.id}`);
    const { id, name, email, invitation } = invited;
    const open = {
      id: expect.any(String),
      user: { id, name, status: 'invited' },
      email,
      invitedBy: expect.objectContaining({ id: owner.userId }),
      status: 'open',
      createdAt: expect.any(String),
      expiresAt: invitation!.expiresAt,
    };
    expect(await list()).toEqual([open]);
    expect(await list({ status: 'expired' })).toMatchObject([
      { user: { id: late.id }, invitedBy: { id: admin.userId }, status: 'expired' },
    ]);
    expect((await list({ status: 'all' })).map(({ user }) => user.id)).toEqual([late.id, id]);
    await accept(invitation!.token!);
    expect(await list()).toEqual([]);
  });

  it('send one again: the former token ends', async () => {
    const first = await idOf(invited);
    const again = await resend(first);
    expect(again).toMatchObject({ user: { id: invited.id }, status: 'open', invitedBy: { id: owner.userId } });
    expect(await list()).toMatchObject([{ id: again.id }]);
    expect(await outcomeOf(resend(first))).toBe('gone');
    expect(await outcomeOf(accept(invited.invitation!.token!))).toBe('gone');
    expect(await audited('invitation.resent')).toMatchObject([{ actor: { id: owner.userId } }]);
    expect((await accept(again.token!)).user).toMatchObject({ id: invited.id, status: 'active' });
    expect(await outcomeOf(resend(again.id))).toBe('gone');
  });

  it('revoke one: it cannot be accepted, and the seat is free until it is sent again', async () => {
    const id = await idOf(invited);
    expect(await usedSeats()).toBe(2);
    await revoke(id);
    await revoke(id);
    expect(await usedSeats()).toBe(1);
    expect(await outcomeOf(accept(invited.invitation!.token!))).toBe('gone');
    expect(await list()).toEqual([]);
    expect(await identity.call(invitationsGet, { principal: owner, params: { id } })).toMatchObject({
      status: 'revoked',
    });
    expect(await audited('invitation.revoked')).toHaveLength(1);
    expect(await identity.call(usersGet, { principal: owner, params: { id: invited.id } })).toMatchObject({
      status: 'invited',
    });

    await identity.call(accountUpdate, { principal: owner, body: { seats: 1 } });
    expect(await outcomeOf(resend(id))).toBe('no-free-seat');
    await identity.call(accountUpdate, { principal: owner, body: { seats: 2 } });
    const { token } = await resend(id);
    expect(await usedSeats()).toBe(2);
    expect((await accept(token!)).user.status).toBe('active');
  });

  it('do not invite again by a change of the address, but by a transfer', async () => {
    await revoke(await idOf(invited));
    const params = { id: invited.id };
    const changed = await identity.call(usersUpdate, {
      principal: owner,
      params,
      body: { email: `other-${invited.email}` },
    });
    expect(changed.invitation).toBeUndefined();
    expect(await usedSeats()).toBe(1);
    const body = { name: 'Vera', email: `vera-${invited.email}`, staffId: `V-${invited.staffId}` };
    const { invitation } = await identity.call(usersTransfer, { principal: owner, params, body });
    expect(await usedSeats()).toBe(2);
    expect((await accept(invitation!.token!)).user).toMatchObject({ id: invited.id, name: 'Vera' });
  });

  it('are not overruled by the return of the sender', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const theirs = await identity.aUser(admin, { password: undefined });
    const others = await identity.aUser(admin, { password: undefined });
    const change = (operation: typeof usersDeactivate | typeof usersReactivate, body = {}) =>
      identity.call(operation, { principal: owner, params: { id: admin.userId }, body });
    await change(usersDeactivate);
    expect(await list({ status: 'revoked' })).toHaveLength(2);
    const again = await resend(await idOf(theirs));
    await revoke(await idOf(others));
    await change(usersReactivate, { restore: 'all' });
    expect((await list()).map(({ id }) => id).sort()).toEqual([await idOf(invited), again.id].sort());
    for (const { invitation } of [theirs, others]) expect(await outcomeOf(accept(invitation!.token!))).toBe('gone');
    expect(await outcomeOf(accept(again.token!))).toBe('ok');
  });

  it('are owners for those of owners', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const id = await idOf(await identity.aUser(owner, { password: undefined, roles: ['owner'] }));
    expect([await outcomeOf(resend(id, admin)), await outcomeOf(revoke(id, admin))]).toEqual([
      'forbidden',
      'forbidden',
    ]);
    const stranger = ownerOf(await identity.anAccount());
    expect([await outcomeOf(resend(id, stranger)), await outcomeOf(revoke(id, stranger))]).toEqual([
      'not-found',
      'not-found',
    ]);
  });

  it('share one of 20 concurrent calls that send it again', async () => {
    const id = await idOf(invited);
    const all = Array.from({ length: 20 }, () => resend(id));
    expect(await tally(all)).toEqual({ gone: 19, ok: 1 });
    expect(await list()).toHaveLength(1);
  });
});
