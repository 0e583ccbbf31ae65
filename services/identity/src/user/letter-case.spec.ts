import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { authLogin, NOBODY, passwordResetRequest, usersList, usersUpdate, type Principal } from '#libs/contracts';
import { outcomeOf, ownerOf, PASSWORD, TestIdentity } from '../testing/identity.js';
import { Provider } from '../testing/provider.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

let domains = 0;

/** Two spellings that lower cases differ about: a final sigma, a dot above, a sharp s, and a letter in two characters. */
describe.each([
  ['ΝΙΚΟΣ', 'νικος'],
  ['ΝΙΚΟΣ', 'νικοσ'],
  ['İpek', 'i\u0307PEK'],
  ['straße', 'STRASSE'],
  ['zoë', 'ZOE\u0308'],
])('%s and %s', (one, other) => {
  let domain: string;
  beforeEach(() => {
    domain = `case-${++domains}.example`;
  });

  it('are one address: for inviting, changing, signing in, resetting and finding', async () => {
    const { id, name, email } = await identity.aUser(owner, { email: `${one}@${domain}` });
    const spelled = `${other}@${domain.toUpperCase()}`;
    expect(await outcomeOf(identity.aUser(owner, { email: spelled }))).toBe('duplicate-email');
    const colleague = await identity.aUser(owner);
    const rename = { principal: owner, params: { id: colleague.id }, body: { email: spelled } };
    expect(await outcomeOf(identity.call(usersUpdate, rename))).toBe('duplicate-email');
    const signedIn = await identity.call(authLogin, {
      principal: NOBODY,
      body: { email: spelled, password: PASSWORD },
    });
    expect(signedIn.user.id).toBe(id);
    await identity.call(passwordResetRequest, { principal: NOBODY, body: { email: spelled } });
    expect(await identity.mails(email!)).toMatchObject([{ kind: 'password-reset' }]);
    const { items } = await identity.call(usersList, { principal: owner, query: { q: spelled } });
    expect(items.map((user) => user.name)).toEqual([name]);
  });

  it('are one user name for an identity provider', async () => {
    const provider = await Provider.of(identity, owner);
    const created = await provider.users.create({ userName: `${one}@${domain}`, displayName: one });
    expect(await outcomeOf(provider.users.create({ userName: `${other}@${domain}`, displayName: other }))).not.toBe(
      'ok',
    );
    const found = await provider.users.search({ filter: `userName eq "${other}@${domain}"` });
    expect(found.resources).toMatchObject([{ id: created.id }]);
  });
});

it('letters that are no case of each other are different addresses', async () => {
  await identity.aUser(owner, { email: 'ılgaz@example.com' });
  expect(await outcomeOf(identity.aUser(owner, { email: 'ilgaz@example.com' }))).toBe('ok');
});

it('names, addresses and staff ids are stored composed', async () => {
  const apart = { name: 'Zoe\u0308', email: 'zoe\u0308@example.com', staffId: 'E\u0308 1' };
  const together = { name: 'Zoë', email: 'zoë@example.com', staffId: 'Ë 1' };
  const { id } = await identity.aUser(owner, apart);
  const change = (body: object) => identity.call(usersUpdate, { principal: owner, params: { id }, body });
  expect(await change({})).toMatchObject(together);
  await change({ name: 'Z', email: 'z@example.com', staffId: 'Z 1' });
  expect(await change(apart)).toMatchObject(together);
  const provider = await Provider.of(identity, owner);
  const created = await provider.users.create({ userName: 'chloe\u0308@example.com', displayName: 'Chloe\u0308' });
  expect(created).toMatchObject({ userName: 'chloë@example.com', displayName: 'Chloë' });
});
