import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import {
  invitationsAccept,
  NOBODY,
  passwordResetConfirm,
  passwordResetRequest,
  usersDeactivate,
  usersReactivate,
  usersUpdate,
  type InvitedUser,
  type NoQuery,
  type Operation,
  type Principal,
  type UserChange,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { outcomeOf, ownerOf, PASSWORD, TestIdentity } from '../testing/identity.js';
import { Provider } from '../testing/provider.js';

let identity: TestIdentity;
let owner: Principal;
let provider: Provider;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  provider = await Provider.of(identity, owner);
});
afterAll(() => identity.stop());

const update = (id: string, body: UserChange, principal = owner) =>
  identity.call(usersUpdate, { principal, params: { id }, body });
const accept = (token: string) =>
  identity.call(invitationsAccept, { principal: NOBODY, body: { token, password: PASSWORD } });
const request = (email: string) => identity.call(passwordResetRequest, { principal: NOBODY, body: { email } });
const confirm = (token: string) =>
  identity.call(passwordResetConfirm, { principal: NOBODY, body: { token, password: 'a brand new password' } });

/** The tokens that were mailed to this address. */
async function mailedTo(address: string): Promise<string[]> {
  return (await identity.mails(address)).flatMap(({ token }) => token ?? []);
}

async function resetOf({ email }: InvitedUser): Promise<string> {
  await request(email!);
  return (await mailedTo(email!)).at(-1)!;
}

let addresses = 0;
const newAddress = () => `corrected${++addresses}@example.com`;

const WAYS: [string, (id: string, email: string) => Promise<unknown>][] = [
  ['REST', (id, email) => update(id, { email })],
  [
    'a SCIM PATCH of the email',
    (id, value) => provider.users.change(id, [{ op: 'replace', path: 'emails[type eq "work"].value', value }]),
  ],
  [
    'a SCIM PATCH of the user name',
    (id, value) => provider.users.change(id, [{ op: 'replace', path: 'userName', value }]),
  ],
  [
    'a SCIM PUT',
    (id, userName) => provider.users.replace(id, { userName, displayName: 'Ann', emails: [{ value: userName }] }),
  ],
];

describe.each(WAYS)('a change of the address by %s', (_, change) => {
  it('revokes the invitation to the former address and sends one to the new address', async () => {
    const { id, invitation } = await identity.aUser(owner, { password: undefined, roles: ['admin'] });
    const email = newAddress();
    await change(id, email);
    expect(await outcomeOf(accept(invitation!.token!))).toBe('gone');
    const [token] = await mailedTo(email);
    expect((await accept(token!)).user).toMatchObject({ id, email, status: 'active' });
  });

  it('leaves the new address without proof, unless only its letter case is new', async () => {
    const user = await identity.aUser(owner);
    const isVerified = async () => {
      const [row] = await identity.query(
        sql<{ verified: boolean }>`select email_verified_at is not null as verified from users where id = ${user.id}`,
      );
      return row!.verified;
    };
    await confirm(await resetOf(user));
    await change(user.id, user.email!.toUpperCase());
    expect(await isVerified()).toBe(true);
    await change(user.id, newAddress());
    expect(await isVerified()).toBe(false);
  });

  it('ends reset tokens, and sends an active user no invitation', async () => {
    const user = await identity.aUser(owner);
    const token = await resetOf(user);
    const email = newAddress();
    await change(user.id, email);
    expect(await outcomeOf(confirm(token))).toBe('gone');
    expect(await mailedTo(email)).toEqual([]);
  });
});

describe('the answer to a change of the address', () => {
  it('has the new invitation of an invited user', async () => {
    const { id } = await identity.aUser(owner, { password: undefined });
    const { invitation } = await update(id, { email: newAddress() });
    expect((await accept(invitation!.token!)).user).toMatchObject({ id });
  });

  it('has none for other changes and for active users', async () => {
    const invited = await identity.aUser(owner, { password: undefined });
    expect(await update(invited.id, { name: 'Ann', email: invited.email! })).not.toHaveProperty('invitation');
    const active = await identity.aUser(owner);
    expect(await update(active.id, { email: newAddress() })).not.toHaveProperty('invitation');
    expect(await outcomeOf(accept(invited.invitation!.token!))).toBe('ok');
  });
});

it('a reset that is requested while the address changes is not sent to the former address', async () => {
  const { id, email } = await identity.aUser(owner);
  const changed = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  const change = identity.transaction(async () => {
    const db = identity.get(EntityManager).getKysely();
    await sql`update users set email = ${newAddress()} where id = ${id}`.execute(db);
    changed.resolve();
    await commit.promise;
  });
  await changed.promise;
  const requested = request(email!);
  await eventually(async () =>
    expect(await identity.query(sql`select from pg_locks where not granted`)).not.toEqual([]),
  ).finally(() => commit.resolve());
  await Promise.all([change, requested]);
  expect(await mailedTo(email!)).toEqual([]);
});

it('a change of the password ends reset tokens', async () => {
  const user = await identity.aUser(owner);
  const token = await resetOf(user);
  const self = await identity.signedIn({ accountId: owner.accountId, userId: user.id, roles: user.roles });
  await update(user.id, { password: 'another long password', currentPassword: PASSWORD }, self);
  expect(await outcomeOf(confirm(token))).toBe('gone');
});

it('a departure ends reset tokens and invitations, also after the return', async () => {
  const active = await identity.aUser(owner);
  const token = await resetOf(active);
  const { id, invitation } = await identity.aUser(owner, { password: undefined });
  for (const userId of [active.id, id])
    for (const operation of [usersDeactivate, usersReactivate] as Operation<object, NoQuery, unknown>[])
      await identity.call(operation, { principal: owner, params: { id: userId }, body: {} });
  expect(await outcomeOf(confirm(token))).toBe('gone');
  expect(await outcomeOf(accept(invitation!.token!))).toBe('gone');
});
