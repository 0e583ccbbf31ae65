import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  authenticate,
  authLogin,
  NOBODY,
  passwordResetConfirm,
  passwordResetRequest,
  type OpenedAccount,
} from '#libs/contracts';
import { outcomeOf, PASSWORD, tally, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let opened: OpenedAccount;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  opened = await identity.anAccount();
});
afterAll(() => identity.stop());

const NEW = 'a brand new password';
const request = (email: string) => identity.call(passwordResetRequest, { principal: NOBODY, body: { email } });
const confirm = (token: string) =>
  identity.call(passwordResetConfirm, { principal: NOBODY, body: { token, password: NEW } });
const login = (password: string) =>
  identity.call(authLogin, { principal: NOBODY, body: { email: opened.user.email!, password } });

async function mailedToken(): Promise<string> {
  await request(opened.user.email!.toUpperCase());
  const mail = (await identity.mails(opened.user.email!)).at(-1)!;
  expect(mail.kind).toBe('password-reset');
  return mail.token!;
}

describe('a password reset', () => {
  it('sets the password and ends all sessions', async () => {
    await confirm(await mailedToken());
    expect(await outcomeOf(login(PASSWORD))).toBe('invalid-credentials');
    expect(await outcomeOf(login(NEW))).toBe('ok');
    expect(await identity.client.ask(authenticate, { token: opened.accessToken })).toBeNull();
    expect((await identity.mails(opened.user.email!)).map(({ kind }) => kind)).toEqual([
      'password-reset',
      'password-changed',
    ]);
  });

  it('is valid once, even with 10 concurrent calls', async () => {
    const token = await mailedToken();
    expect(await tally(Array.from({ length: 10 }, () => confirm(token)))).toEqual({ gone: 9, ok: 1 });
  });

  it('invalidates the user’s other tokens', async () => {
    const [first, second] = [await mailedToken(), await mailedToken()];
    await confirm(second);
    expect(await outcomeOf(confirm(first))).toBe('gone');
  });

  it('is invalid after an hour, for a user who has left, or if invented', async () => {
    const late = await mailedToken();
    identity.clock.advance(3_600_000);
    expect(await outcomeOf(confirm(late))).toBe('gone');
    const left = await mailedToken();
    await identity.query(sql`update users set status = 'deactivated' where id = ${opened.user.id}`);
    expect(await outcomeOf(confirm(left))).toBe('gone');
    expect(await outcomeOf(confirm('made up'))).toBe('gone');
  });

  it('proves the address', async () => {
    await confirm(await mailedToken());
    const users = await identity.query(
      sql<{ at: string }>`select email_verified_at as at from users where id = ${opened.user.id}`,
    );
    expect(users).toEqual([{ at: expect.anything() }]);
  });

  it('is mailed to five users of one address at most, and to the one whose account is named', async () => {
    const email = 'many@example.com';
    const accounts = [];
    for (let n = 0; n < 7; n++) accounts.push(await identity.anAccount({ owner: { email } }));
    const resets = async (accountId?: string) => {
      await identity.query(sql`delete from password_reset`);
      await identity.call(passwordResetRequest, { principal: NOBODY, body: { email, accountId } });
      const rows = await identity.query(sql<{ id: string }>`select user_id as id from password_reset`);
      return rows.map(({ id }) => id).sort();
    };
    expect(await resets()).toEqual(
      accounts
        .slice(0, 5)
        .map(({ user }) => user.id)
        .sort(),
    );
    expect(await resets(accounts[6]!.account.id)).toEqual([accounts[6]!.user.id]);
  });

  it('gives the same answer for an unknown email as for a known one', async () => {
    expect(await request('nobody@example.com')).toEqual(await request(opened.user.email!));
  });
});
