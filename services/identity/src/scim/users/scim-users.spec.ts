import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  accountGet,
  auditList,
  auditVerify,
  invitationsAccept,
  NOBODY,
  usersGet,
  usersInvite,
  usersTransfer,
  type Principal,
} from '#libs/contracts';
import { sql } from 'kysely';
import { outcomeOf, ownerOf, PASSWORD, tally, TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';

let identity: TestIdentity;
let owner: Principal;
let provider: Provider;
let people = 0;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  provider = await Provider.of(identity, owner);
});
afterAll(() => identity.stop());

const aPerson = () => {
  const n = ++people;
  return { userName: `grace${n}@example.com`, externalId: `X-${n}`, name: { givenName: 'Grace', familyName: `H${n}` } };
};
const set = (path: string, value: unknown) => [{ op: 'replace', path, value }];
const userOf = (id: string) => identity.call(usersGet, { principal: owner, params: { id } });
const columns = (id: string) =>
  identity.query(sql<Record<string, unknown>>`
    select user_name, external_id, scim_name, name, email, staff_id, status, seq::int, lifecycle_version::int from users where id = ${id}`);

describe('a user that the provider creates', () => {
  it('uses a seat, and gets an invitation without a sender', async () => {
    const { id } = await provider.users.create(aPerson());
    expect(await userOf(id)).toMatchObject({ status: 'invited', roles: ['agent'] });
    expect((await identity.call(accountGet, { principal: owner })).seats.used).toBe(2);
    expect(await identity.query(sql`select invited_by from invitation where user_id = ${id}`)).toEqual([
      { invited_by: null },
    ]);
  });

  it('is active immediately if created with a password', async () => {
    const { id, ...shown } = await provider.users.create({ ...aPerson(), password: PASSWORD });
    expect(JSON.stringify(shown)).not.toContain(PASSWORD);
    expect(await userOf(id)).toMatchObject({ status: 'active' });
    expect(await outcomeOf(provider.users.create({ ...aPerson(), password: 'short' }))).toBe('validation');
  });

  it('can be inactive', async () => {
    const { id, active } = await provider.users.create({ ...aPerson(), active: 'false' });
    expect([active, (await userOf(id)).status]).toEqual([false, 'deactivated']);
  });

  it('is created once by concurrent requests', async () => {
    const person = aPerson();
    const calls = Array.from({ length: 5 }, () => provider.users.create(person));
    expect(await tally(calls)).toEqual({ conflict: 4, ok: 1 });
  });

  it('must have a unique email, staff id and external id', async () => {
    const person = aPerson();
    await provider.users.create(person);
    const other = aPerson();
    const again = (changes: object) => outcomeOf(provider.users.create({ ...other, ...changes }));
    expect(await again({ emails: [{ value: person.userName }] })).toBe('duplicate-email');
    expect(await again({ externalId: person.externalId })).toBe('conflict');
    const enterprise = {
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { employeeNumber: person.externalId },
    };
    expect(await again(enterprise)).toBe('duplicate-staff-id');
    const body = { name: 'Else', email: person.userName, staffId: 'S', roles: ['agent' as const] };
    expect(await outcomeOf(identity.call(usersInvite, { principal: owner, body }))).toBe('duplicate-email');
  });

  it('is reactivated by the same user name, with the same status, roles and teams', async () => {
    const person = aPerson();
    const { id } = await provider.users.create(person);
    const group = await provider.groups.create({ displayName: `Team of ${id}`, members: [{ value: id }] });
    await provider.users.change(id, set('active', false));
    const back = await provider.users.create({ userName: person.userName.toUpperCase(), displayName: 'Back' });
    expect(back).toMatchObject({ id, active: true, displayName: 'Back', groups: [{ value: group.id }] });
    expect(await userOf(id)).toMatchObject({ status: 'invited', roles: ['agent'], teamIds: [group.id] });
  });
});

describe('a change', () => {
  it('without effect leaves the version and the audit trail as they are', async () => {
    const { id } = await provider.users.create({ ...aPerson(), displayName: 'Grace' });
    const before = await provider.users.get(id);
    const entries = async () => (await identity.call(auditList, { principal: owner, query: { subjectId: id } })).items;
    const known = await entries();
    await provider.users.replace(id, before);
    await provider.users.change(id, [
      ...set('active', 'True'),
      ...set('displayName', 'Grace'),
      ...set('nickName', 'G'),
    ]);
    expect(await provider.users.get(id)).toEqual(before);
    expect(await entries()).toEqual(known);
  });

  it('of any attribute raises seq once and changes the ETag', async () => {
    const { id } = await provider.users.create(aPerson());
    for (const [path, value] of [
      ['displayName', 'Grace Hopper'],
      ['externalId', `new ${id}`],
      ['name.honorificPrefix', 'Dr.'],
      ['userName', `another ${id}`],
    ] as const) {
      const [before] = await columns(id);
      const { meta } = await provider.users.get(id);
      const changed = await provider.users.change(id, set(path, value));
      const [after] = await columns(id);
      expect([path, after!.seq]).toEqual([path, Number(before!.seq) + 1]);
      expect([path, changed.meta.version]).not.toEqual([path, meta.version]);
    }
  });

  it('of the name of a team changes the ETag of its members', async () => {
    const { id } = await provider.users.create(aPerson());
    const group = await provider.groups.create({ displayName: `Team of ${id}`, members: [{ value: id }] });
    const { meta } = await provider.users.get(id);
    await provider.groups.change(group.id, set('displayName', `Renamed team of ${id}`));
    expect((await provider.users.get(id)).meta.version).not.toBe(meta.version);
  });

  it('updates lastModified, which is the creation time until then', async () => {
    const { id, meta } = await provider.users.create(aPerson());
    expect(meta.lastModified).toBe(meta.created);
    identity.clock.advance(1_000);
    const start = identity.clock.now().toISOString();
    const after = (await provider.users.change(id, set('displayName', 'Moved'))).meta;
    expect(after.created).toBe(meta.created);
    expect(after.lastModified >= start).toBe(true);
  });

  it('of the user name also changes the email as long as they are the same', async () => {
    const { id } = await provider.users.create(aPerson());
    const moved = await provider.users.change(id, set('userName', `moved${id}@example.com`));
    expect(moved.emails).toMatchObject([{ value: `moved${id}@example.com` }]);
    await provider.users.change(id, set('emails[type eq "work"].value', `apart${id}@example.com`));
    const apart = await provider.users.change(id, set('userName', `login-${id}`));
    expect(apart).toMatchObject({ userName: `login-${id}`, emails: [{ value: `apart${id}@example.com` }] });
  });

  it('of the whole user unassigns missing name parts, but never `active`', async () => {
    const { id, userName } = await provider.users.create(aPerson());
    await provider.users.change(id, set('active', false));
    const whole = await provider.users.replace(id, { userName, name: { givenName: 'Only' } });
    expect(whole).toMatchObject({ active: false, displayName: 'Only', name: { formatted: 'Only', givenName: 'Only' } });
    expect(whole.name).not.toHaveProperty('familyName');
  });

  it('is atomic', async () => {
    const taken = aPerson();
    await provider.users.create(taken);
    const { id } = await provider.users.create(aPerson());
    const both = [...set('active', false), ...set('displayName', 'Half'), ...set('externalId', taken.externalId)];
    expect(await outcomeOf(provider.users.change(id, both))).toBe('conflict');
    expect(await provider.users.get(id)).toMatchObject({
      active: true,
      displayName: expect.not.stringMatching('Half'),
    });
  });

  it('to inactive is applied once under concurrent requests', async () => {
    const { id } = await provider.users.create({ ...aPerson(), password: PASSWORD });
    const calls = Array.from({ length: 4 }, () => provider.users.change(id, set('active', false)));
    expect(await tally(calls)).toEqual({ ok: 4 });
    expect(await identity.query(sql`select transition from departure where user_id = ${id}`)).toHaveLength(1);
  });
});

describe('a name that was not set by a provider', () => {
  const invited = async (name: string) => {
    const n = ++people;
    const body = { name, email: `invited${n}@example.com`, staffId: `I ${n}`, roles: ['agent' as const] };
    return (await identity.call(usersInvite, { principal: owner, body })).id;
  };

  it.each([
    ['Ada Lovelace', { givenName: 'Ada', familyName: 'Lovelace' }],
    ['Ludwig van Beethoven', { givenName: 'Ludwig', familyName: 'van Beethoven' }],
    ['Voltaire', {}],
  ])('is split into parts that are shown and can be filtered: %s', async (name, parts) => {
    const id = await invited(name);
    expect((await provider.users.get(id)).name).toEqual({ formatted: name, ...parts });
    for (const [part, value] of [
      ['givenName', 'Ada'],
      ['givenName', 'Ludwig'],
      ['familyName', 'LOVELACE'],
      ['familyName', 'van beethoven'],
    ]) {
      const { resources } = await provider.users.search({ filter: `name.${part} eq "${value}" and id eq "${id}"` });
      const shown = (parts as Record<string, string>)[part!]?.toLowerCase();
      expect([part, value, resources.length]).toEqual([part, value, shown === value!.toLowerCase() ? 1 : 0]);
    }
  });

  it('changes with one part and keeps the other', async () => {
    const id = await invited('Ada Lovelace');
    const married = await provider.users.change(id, set('name.familyName', 'King'));
    expect(married).toMatchObject({ displayName: 'Ada King', name: { givenName: 'Ada', familyName: 'King' } });
    expect(await userOf(id)).toMatchObject({ name: 'Ada King' });
  });

  it('is still split after other changes, and its parts are not stored', async () => {
    const id = await invited('Ada Lovelace');
    await provider.users.change(id, set('externalId', `E ${id}`));
    await provider.users.change(id, set('displayName', 'Augusta King'));
    expect((await provider.users.get(id)).name).toMatchObject({ givenName: 'Augusta', familyName: 'King' });
    expect(await columns(id)).toMatchObject([{ scim_name: null }]);
  });

  it('has no parts once a provider has cleared them', async () => {
    const id = await invited('Ada Lovelace');
    const emptied = [...set('name.givenName', ''), ...set('name.familyName', null)];
    expect((await provider.users.change(id, emptied)).name).toEqual({ formatted: 'Ada Lovelace' });
    expect((await provider.users.get(id)).name).toEqual({ formatted: 'Ada Lovelace' });
  });
});

it('If-None-Match refuses a replacement', async () => {
  const { id, userName, meta } = await provider.users.create(aPerson());
  for (const ifNoneMatch of ['*', meta.version, `"other", ${meta.version}`])
    expect(await outcomeOf(provider.users.replace(id, { userName, displayName: 'No' }, { ifNoneMatch }))).toBe(
      'precondition-failed',
    );
  expect(await outcomeOf(provider.users.replace(id, { userName, displayName: 'Yes' }, { ifMatch: '*' }))).toBe('ok');
});

it('names of sub-attributes are case-insensitive', async () => {
  const { id } = await provider.users.create({
    ...aPerson(),
    emails: [
      { Type: 'work', Value: 'second@case.example' },
      { TYPE: 'home', VALUE: 'first@case.example', Primary: true },
    ],
  });
  expect(await userOf(id)).toMatchObject({ email: 'first@case.example' });
  const group = await provider.groups.create({ displayName: `Case of ${id}`, Members: [{ Value: id }] });
  expect(group.members).toMatchObject([{ value: id }]);
});

it('a PUT must contain the required attributes', async () => {
  const { id } = await provider.users.create(aPerson());
  expect(await outcomeOf(provider.users.replace(id, { displayName: 'Nameless' }))).toBe('validation');
  const group = await provider.groups.create({ displayName: `Required of ${id}` });
  expect(await outcomeOf(provider.groups.replace(group.id, { externalId: 'G' }))).toBe('validation');
});

describe('no data from the provider', () => {
  const TRACE = 'Tracewell';
  const traced = () => ({
    userName: `${TRACE}-login`,
    externalId: `${TRACE}-id`,
    name: { givenName: TRACE, familyName: TRACE, middleName: TRACE },
    emails: [{ value: `${TRACE}@example.com`, type: 'work' }],
  });
  const empty = { user_name: null, external_id: null, scim_name: null };

  it('is left after a deletion, also in the audit trail, which stays valid', async () => {
    const { id } = await provider.users.create(traced());
    await provider.users.change(id, set('externalId', `${TRACE}-id-2`));
    await provider.users.remove(id);
    expect(await columns(id)).toMatchObject([{ ...empty, name: null, email: null, staff_id: null, status: 'deleted' }]);
    const left = await identity.query(sql`
      select u::text from users u where u::text ~* ${TRACE} union all
      select o::text from outbox o where o::text ~* ${TRACE} union all
      select e::text from audit_entry e where e::text ~* ${TRACE}`);
    expect(left).toEqual([]);
    expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
    expect(await outcomeOf(provider.users.create(traced()))).toBe('ok');
  });

  it('is left after a transfer to another person', async () => {
    const { id } = await provider.users.create({ ...traced(), password: PASSWORD });
    const to = { name: 'Nell', email: `nell${id}@example.com`, staffId: `N ${id}` };
    await identity.call(usersTransfer, { principal: owner, params: { id }, body: to });
    expect(await columns(id)).toMatchObject([{ ...empty, name: 'Nell' }]);
    expect(await provider.users.get(id)).toMatchObject({ userName: to.email, name: { formatted: 'Nell' } });
  });
});

it('an invitation by the provider is accepted like any other', async () => {
  const { id } = await provider.users.create(aPerson());
  const token = 'a token that the test knows';
  await identity.query(sql`update invitation set hash = sha256(${token}::bytea) where user_id = ${id}`);
  const signedIn = await identity.call(invitationsAccept, { principal: NOBODY, body: { token, password: PASSWORD } });
  expect(signedIn.user).toMatchObject({ id, status: 'active' });
});
