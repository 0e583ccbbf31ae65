import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import {
  myRecoveryCodesCreate,
  myTotpConfirm,
  myTotpCreate,
  myTotpGet,
  usersUpdate,
  type Principal,
} from '#libs/contracts';
import { sql } from 'kysely';
import { AppUsers, problemOf } from '../testing/app-users.js';
import { outcomeOf, ownerOf, PASSWORD, tally, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let apps: AppUsers;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
  apps = new AppUsers(identity);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

describe('setting up an authenticator app', () => {
  it('needs a code of it, and answers with ten recovery codes once', async () => {
    const { secret, uri } = await identity.call(myTotpCreate, { principal: owner });
    expect(uri).toMatch(new RegExp(`^otpauth://totp/Leaver:.*secret=${secret}`));
    const confirm = (code: string) => identity.call(myTotpConfirm, { principal: owner, body: { code } });
    const code = apps.codesOf(secret);
    expect(await outcomeOf(confirm(code(5)))).toBe('validation');
    expect(await identity.call(myTotpGet, { principal: owner })).toEqual({
      ...{ enabled: false, enabledAt: null, recoveryCodesLeft: 0 },
    });
    const { recoveryCodes, ...totp } = await confirm(code());
    expect(new Set(recoveryCodes).size).toBe(10);
    expect(totp).toEqual(await identity.call(myTotpGet, { principal: owner }));
    expect(totp).toMatchObject({ enabled: true, recoveryCodesLeft: 10 });
    expect(await apps.actionsAbout(owner, owner.userId)).toContain('totp.enabled');
  });

  it('keeps the former app until the new one is confirmed, and the recovery codes', async () => {
    const ada = await apps.add(owner);
    const second = await identity.call(myTotpCreate, { principal: ada.principal });
    expect(await outcomeOf(ada.login({ totp: ada.code() }))).toBe('ok');
    apps.nextStep();
    const newCode = apps.codesOf(second.secret);
    const confirmed = await identity.call(myTotpConfirm, { principal: ada.principal, body: { code: newCode() } });
    expect(confirmed.recoveryCodes).toBeUndefined();
    apps.nextStep();
    expect(await outcomeOf(ada.login({ totp: ada.code() }))).toBe('invalid-credentials');
    expect(await outcomeOf(ada.login({ totp: newCode() }))).toBe('ok');
  });

  it('ends after an hour without a confirmation', async () => {
    const { secret } = await identity.call(myTotpCreate, { principal: owner });
    identity.clock.advance(3_600_000);
    const again = await identity.signedIn(owner);
    const body = { code: apps.codesOf(secret)() };
    expect(await outcomeOf(identity.call(myTotpConfirm, { principal: again, body }))).toBe('conflict');
  });

  it('stores neither secret nor recovery codes in clear', async () => {
    const ada = await apps.add(owner);
    const rows = await identity.query(sql<{ row: string }>`
      select t::text as row from totp t where user_id = ${ada.principal.userId}
      union all select r::text from recovery_code r where user_id = ${ada.principal.userId}`);
    expect(rows).toHaveLength(11);
    const text = JSON.stringify(rows);
    for (const code of ada.recoveryCodes) expect(text).not.toContain(code.replaceAll('-', ''));
  });
});

describe('a sign-in with a second factor', () => {
  it('answers the password with a challenge, and the code with a session', async () => {
    const ada = await apps.add(owner);
    const refused = await problemOf(ada.login());
    expect(refused).toMatchObject({ code: 'second-factor-required', status: 401 });
    expect(refused.details.methods).toEqual(['totp', 'recovery-code']);
    const challenge = refused.details.challenge!;
    expect((await apps.login({ challenge, totp: ada.code() })).user.id).toBe(ada.principal.userId);
    apps.nextStep();
    expect(await outcomeOf(apps.login({ challenge, totp: ada.code() }))).toBe('unauthenticated');
  });

  it('says nothing about second factors to who has the wrong password', async () => {
    const ada = await apps.add(owner);
    expect(await outcomeOf(ada.login({ password: 'wrong', totp: ada.code() }))).toBe('invalid-credentials');
    expect(await outcomeOf(ada.login({ password: 'wrong' }))).toBe('invalid-credentials');
    expect(await outcomeOf(ada.login({ totp: ada.code() }))).toBe('ok');
  });

  it('takes the code of the step before and after, each once, also of concurrent requests', async () => {
    const ada = await apps.add(owner);
    expect(await outcomeOf(ada.login({ totp: ada.code(-2) }))).toBe('invalid-credentials');
    expect(await outcomeOf(ada.login({ totp: ada.code(2) }))).toBe('invalid-credentials');
    apps.nextStep();
    const before = ada.code(-1);
    expect(await tally(Array.from({ length: 5 }, () => ada.login({ totp: before })))).toEqual({
      ...{ 'invalid-credentials': 4, ok: 1 },
    });
    expect(await outcomeOf(ada.login({ totp: ada.code(1) }))).toBe('ok');
    // Older than one that was used.
    expect(await outcomeOf(ada.login({ totp: ada.code() }))).toBe('invalid-credentials');
  });

  it('takes each recovery code once, however it is typed', async () => {
    const ada = await apps.add(owner);
    const [one, two] = ada.recoveryCodes as [string, string];
    expect(await outcomeOf(ada.login({ recoveryCode: ` ${one.replaceAll('-', ' ')} ` }))).toBe('ok');
    expect(await outcomeOf(ada.login({ recoveryCode: one }))).toBe('invalid-credentials');
    const challenge = await ada.challenge();
    expect(await outcomeOf(apps.login({ challenge, recoveryCode: two }))).toBe('ok');
    expect(await identity.call(myTotpGet, { principal: ada.principal })).toMatchObject({ recoveryCodesLeft: 8 });
    const { codes } = await identity.call(myRecoveryCodesCreate, { principal: ada.principal });
    expect(await outcomeOf(ada.login({ recoveryCode: ada.recoveryCodes[2]! }))).toBe('invalid-credentials');
    expect(await outcomeOf(ada.login({ recoveryCode: codes[0]! }))).toBe('ok');
  });

  it('refuses codes of somebody else', async () => {
    const [ada, ben] = [await apps.add(owner), await apps.add(owner)];
    expect(await outcomeOf(ada.login({ totp: ben.code() }))).toBe('invalid-credentials');
    expect(await outcomeOf(ada.login({ recoveryCode: ben.recoveryCodes[0]! }))).toBe('invalid-credentials');
  });

  it('ends a challenge after five tries, five minutes, or another password', async () => {
    const ada = await apps.add(owner);
    const tried = await ada.challenge();
    for (let n = 0; n < 5; n++)
      expect(await outcomeOf(apps.login({ challenge: tried, totp: ada.code(9) }))).toBe('invalid-credentials');
    expect(await outcomeOf(apps.login({ challenge: tried, totp: ada.code() }))).toBe('unauthenticated');
    const [old, former] = [await ada.challenge(), await ada.challenge()];
    const body = { password: 'another long password', currentPassword: PASSWORD };
    await identity.call(usersUpdate, { principal: ada.principal, params: { id: ada.principal.userId }, body });
    expect(await outcomeOf(apps.login({ challenge: former, totp: ada.code() }))).toBe('unauthenticated');
    identity.clock.advance(300_000);
    expect(await outcomeOf(apps.login({ challenge: old, totp: ada.code() }))).toBe('unauthenticated');
    expect(await outcomeOf(apps.login({ challenge: 'made up', totp: ada.code() }))).toBe('unauthenticated');
  });

  it('ends guesses after ten wrong codes in an hour, also with new challenges and concurrently', async () => {
    const ada = await apps.add(owner);
    const guesses = Array.from({ length: 20 }, () => ada.login({ totp: ada.code(9) }));
    expect(await tally(guesses)).toEqual({ 'invalid-credentials': 10, 'too-many-requests': 10 });
    const refused = await problemOf(ada.login({ recoveryCode: ada.recoveryCodes[0]! }));
    expect(refused).toMatchObject({ code: 'too-many-requests', details: { retryAfter: 3_600 } });
    identity.clock.advance(3_600_000);
    expect(await outcomeOf(ada.login({ totp: ada.code() }))).toBe('ok');
    await eventually(async () =>
      expect(await apps.actionsAbout(owner, ada.principal.userId)).toContain('user.sign-in-failed'),
    );
  });

  it('needs something to check', async () => {
    const ada = await apps.add(owner);
    const challenge = await ada.challenge();
    expect(await outcomeOf(apps.login({ challenge }))).toBe('validation');
    expect(await outcomeOf(apps.login({ email: ada.email }))).toBe('validation');
    expect(await outcomeOf(apps.login({}))).toBe('validation');
  });
});
