import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  authLogin,
  authStepUp,
  meGet,
  myApiTokensCreate,
  myPasskeyOptions,
  myPasskeysCreate,
  myPasskeysList,
  myPasskeysRemove,
  NOBODY,
  passkeySignInOptions,
  policyPut,
  usersDeactivate,
  usersReactivate,
  usersSignInMethodsReset,
  type Login,
  type Principal,
  type Problem,
} from '#libs/contracts';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { sql } from 'kysely';
import { TestBrowser, TestPage, type Authenticator, type Credential } from '../../testing/browser.js';
import { outcomeOf, ownerOf, PASSWORD, tally, TestIdentity } from '../../testing/identity.js';

let browser: TestBrowser;
let page: TestPage;
/** A page of another origin with the same host name, which a browser lets use the same passkeys. */
let otherPage: TestPage;
let identity: TestIdentity;
let owner: Principal;
let email: string;
let phone: Authenticator;
beforeAll(async () => {
  [browser, page, otherPage] = await Promise.all([TestBrowser.start(), TestPage.serve(), TestPage.serve()]);
  identity = await TestIdentity.start({ settings: { PUBLIC_URL: page.origin } });
});
beforeEach(async () => {
  const opened = await identity.anAccount();
  owner = ownerOf(opened);
  email = opened.user.email!;
  phone = await browser.open(page);
});
afterAll(async () => {
  await identity?.stop();
  await browser?.close();
  page?.close();
  otherPage?.close();
});

const login = (body: Login) => identity.call(authLogin, { principal: NOBODY, body });
const signInOptions = async () => (await identity.call(passkeySignInOptions, { principal: NOBODY })).publicKey;
const creationOptions = async (principal = owner) => (await identity.call(myPasskeyOptions, { principal })).publicKey;
const add = (credential: Credential, principal = owner) =>
  identity.call(myPasskeysCreate, { principal, body: { name: 'Phone', credential } });
const register = async (principal = owner, device = phone) =>
  add(await device.create(await creationOptions(principal)), principal);
const assertion = async (device = phone) => device.get(await signInOptions());
const signIn = async (device = phone) => login({ passkey: await assertion(device) });
const trail = async () => {
  const rows = await identity.query(
    sql<{ action: string }>`select action from audit_entry where subject_id = ${owner.userId} order by seq`,
  );
  return rows.map(({ action }) => action);
};

/** The credential with something else in the text that the authenticator has signed. */
function withClientData(credential: Credential, change: object): Credential {
  const response = credential.response as { clientDataJSON: string };
  const data = JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString()) as object;
  const clientDataJSON = Buffer.from(JSON.stringify({ ...data, ...change })).toString('base64url');
  return { ...credential, response: { ...response, clientDataJSON } };
}

describe('a passkey', () => {
  it('signs in without an address and a password', async () => {
    const { recoveryCodes, ...passkey } = await register();
    expect(recoveryCodes).toHaveLength(10);
    expect(passkey).toMatchObject({ name: 'Phone', lastUsedAt: null, backedUp: false });
    const signedIn = await signIn();
    expect(signedIn.user).toEqual(
      await identity.call(meGet, { principal: owner }).then(({ accountId: _, ...me }) => me),
    );
    const { items } = await identity.call(myPasskeysList, { principal: owner });
    expect(items).toEqual([{ ...passkey, lastUsedAt: expect.stringMatching(/Z$/) }]);
    expect(await trail()).toEqual(expect.arrayContaining(['passkey.added', 'user.signed-in']));
  });

  it('is a second factor, and the password alone lets nobody in any more', async () => {
    await register();
    const { code, details } = (await login({ email, password: PASSWORD }).catch((thrown) => thrown)) as Problem;
    expect([code, details.methods]).toEqual(['second-factor-required', ['passkey', 'recovery-code']]);
    const { challenge } = details;
    expect((await login({ challenge, passkey: await assertion() })).user.id).toBe(owner.userId);
    expect(await outcomeOf(login({ email, password: PASSWORD, passkey: await assertion() }))).toBe('ok');
  });

  it('of another user is no second factor', async () => {
    await register();
    const other = ownerOf(await identity.anAccount());
    const theirs = await browser.open(page);
    await register(other, theirs);
    expect(await outcomeOf(login({ email, password: PASSWORD, passkey: await assertion(theirs) }))).toBe(
      'invalid-credentials',
    );
  });

  it('proves who its user is, in the session of this user only', async () => {
    await register();
    identity.clock.advance(601_000);
    const create = () =>
      outcomeOf(identity.call(myApiTokensCreate, { principal: owner, body: { name: 'A', scopes: ['read'] } }));
    const stranger = ownerOf(await identity.anAccount());
    const theirs = await browser.open(page);
    await register(stranger, theirs);
    const prove = (passkey: Credential) =>
      outcomeOf(identity.call(authStepUp, { principal: owner, body: { passkey } }));
    expect(await prove(await assertion(theirs))).toBe('invalid-credentials');
    expect(await create()).toBe('step-up-required');
    expect(await prove(await assertion())).toBe('ok');
    expect(await create()).toBe('ok');
  });
});

describe('a sign-in with a passkey is refused', () => {
  beforeEach(() => register());
  const refused = async (passkey: Record<string, unknown>) =>
    expect(await outcomeOf(login({ passkey }))).toBe('invalid-credentials');

  it('when it is repeated, also concurrently', async () => {
    const passkey = await assertion();
    expect(await tally(Array.from({ length: 5 }, () => login({ passkey })))).toEqual({
      'invalid-credentials': 4,
      ok: 1,
    });
    await refused(passkey);
  });

  it('when its options are older than five minutes', async () => {
    const passkey = await assertion();
    identity.clock.advance(300_000);
    await refused(passkey);
  });

  it('when a page of another origin has asked', async () => {
    const elsewhere = await browser.open(otherPage);
    const [key] = await phone.keys();
    await elsewhere.copy(key!);
    await refused(await elsewhere.get(await signInOptions()));
    expect(await outcomeOf(signIn())).toBe('ok');
  });

  it('when the user was not verified', async () => {
    await phone.verifiesUser(false);
    const publicKey = { ...(await signInOptions()), userVerification: 'discouraged' };
    await refused(await phone.get(publicKey));
  });

  it('when the challenge is not ours, is for a new passkey, or was signed for something else', async () => {
    const mine = { ...(await signInOptions()), challenge: Buffer.alloc(54, 7).toString('base64url') };
    await refused(await phone.get(mine));
    const { challenge } = (await creationOptions()) as { challenge: string };
    await refused(await phone.get({ ...(await signInOptions()), challenge }));
    const passkey = await assertion();
    await refused(withClientData(passkey, { challenge: (await signInOptions()).challenge }));
    await refused(withClientData(passkey, { origin: otherPage.origin }));
  });

  it('when the authenticator was copied, and the trail says so', async () => {
    const thief = await browser.open(page);
    const [key] = await phone.keys();
    await thief.copy(key!);
    await signIn();
    await signIn();
    await refused(await assertion(thief));
    expect(await trail()).toContain('passkey.copied');
    expect(await outcomeOf(signIn())).toBe('ok');
  });

  it('when it is none', async () => {
    const passkey = await assertion();
    const response = passkey.response as object;
    const long = 'A'.repeat(30_000);
    const odd: Record<string, unknown>[] = [
      {},
      { id: 7 },
      { ...passkey, id: 'unknown', rawId: 'unknown' },
      { ...passkey, type: 'password' },
      { ...passkey, response: null },
      { ...passkey, response: { ...response, signature: 7 } },
      { ...passkey, response: { ...response, signature: 'AAAA' } },
      { ...passkey, response: { ...response, authenticatorData: '%%%' } },
      { ...passkey, response: { ...response, authenticatorData: 'AAAA' } },
      { ...passkey, response: { ...response, clientDataJSON: Buffer.from('null').toString('base64url') } },
      { ...passkey, response: { ...response, userHandle: 'c29tZWJvZHkgZWxzZQ' } },
      { ...passkey, response: { ...response, signature: long } },
    ];
    for (const one of odd) await refused(one);
    expect(await outcomeOf(login({ passkey }))).toBe('ok');
  });

  it('for somebody who has left, and after a reset; a return brings it back', async () => {
    const { accountId } = owner;
    const colleague = await identity.signedIn(await identity.aPerson(owner, { roles: ['owner'] }));
    const params = { id: owner.userId };
    await identity.call(usersDeactivate, { principal: colleague, params, body: {} });
    expect(await outcomeOf(signIn())).toBe('account-inactive');
    await identity.call(usersReactivate, { principal: colleague, params, body: {} });
    expect((await signIn()).user.id).toBe(owner.userId);
    await identity.call(usersSignInMethodsReset, { principal: { ...colleague, accountId }, params });
    await refused(await assertion());
    expect(await outcomeOf(login({ email, password: PASSWORD }))).toBe('ok');
  });
});

describe('a new passkey', () => {
  it('needs a recent proof', async () => {
    const credential = await phone.create(await creationOptions());
    identity.clock.advance(601_000);
    expect(await outcomeOf(creationOptions())).toBe('step-up-required');
    expect(await outcomeOf(add(credential))).toBe('step-up-required');
  });

  it('counts once, within five minutes, and for the user who got the options', async () => {
    const credential = await phone.create(await creationOptions());
    const other = ownerOf(await identity.anAccount());
    expect(await outcomeOf(add(credential, other))).toBe('validation');
    expect(await outcomeOf(add(credential))).toBe('ok');
    expect(await outcomeOf(add(credential))).toBe('validation');
    const late = await (await browser.open(page)).create(await creationOptions());
    identity.clock.advance(300_000);
    expect(await outcomeOf(add(late))).toBe('validation');
  });

  it('is refused from another origin, for an unverified user and with a changed text', async () => {
    const elsewhere = await browser.open(otherPage);
    expect(await outcomeOf(add(await elsewhere.create(await creationOptions())))).toBe('validation');
    const credential = await phone.create(await creationOptions());
    expect(await outcomeOf(add(withClientData(credential, { challenge: 'other' })))).toBe('validation');
    const unverified = await browser.open(page, { verifiesUser: false });
    const publicKey = await creationOptions();
    const relaxed = {
      ...publicKey,
      authenticatorSelection: { residentKey: 'required', userVerification: 'discouraged' },
    };
    expect(await outcomeOf(add(await unverified.create(relaxed)))).toBe('validation');
  });

  it('never makes us read certificates of an attestation', async () => {
    const credential = await phone.create(await creationOptions());
    const response = credential.response as { attestationObject: string };
    const given = isoCBOR.decodeFirst<Map<string, unknown>>(
      new Uint8Array(Buffer.from(response.attestationObject, 'base64url')),
    );
    const attested = isoCBOR.encode(
      new Map<string, string | Uint8Array | Map<string, string>>([
        ['fmt', 'packed'],
        ['attStmt', new Map([['x5c', 'a certificate that names an address of ours']])],
        ['authData', given.get('authData') as Uint8Array],
      ]),
    );
    const attestationObject = Buffer.from(attested).toString('base64url');
    expect(await outcomeOf(add({ ...credential, response: { ...response, attestationObject } }))).toBe('ok');
  });

  it('belongs to one user: without an attestation, anybody can send the key of somebody else', async () => {
    const credential = await phone.create(await creationOptions());
    await add(credential);
    const other = ownerOf(await identity.anAccount());
    const { challenge } = await creationOptions(other);
    expect(await outcomeOf(add(withClientData(credential, { challenge }), other))).toBe('conflict');
  });
});

describe('removing a passkey', () => {
  const remove = (id: string) => outcomeOf(identity.call(myPasskeysRemove, { principal: owner, params: { id } }));

  it('needs a recent proof, and leaves the password', async () => {
    const { id } = await register();
    identity.clock.advance(601_000);
    expect(await remove(id)).toBe('step-up-required');
    await identity.call(authStepUp, { principal: owner, body: { passkey: await assertion() } });
    expect(await remove(id)).toBe('ok');
    expect(await remove(id)).toBe('not-found');
    expect(await outcomeOf(signIn())).toBe('invalid-credentials');
    expect(await outcomeOf(login({ email, password: PASSWORD }))).toBe('ok');
  });

  it('is refused for the last way in, and for the last second factor that the policy asks for', async () => {
    const [one, two] = [await register(), await register(owner, await browser.open(page))];
    await identity.query(sql`update users set password_hash = null where id = ${owner.userId}`);
    expect(await remove(one.id)).toBe('ok');
    expect(await remove(two.id)).toBe('conflict');
    await identity.query(sql`update users set password_hash = 'some' where id = ${owner.userId}`);
    await identity.call(policyPut, { principal: owner, body: { mfa: 'managers' } });
    expect(await remove(two.id)).toBe('conflict');
    await identity.call(policyPut, { principal: owner, body: { mfa: 'off' } });
    expect(await remove(two.id)).toBe('ok');
  });
});
