import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  teamMembersAdd,
  teamMembersRemove,
  teamsUpdate,
  usersUpdate,
  type Principal,
  type UserChange,
} from '#libs/contracts';
import { sql } from 'kysely';
import { outcomeOf, ownerOf, TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';

let identity: TestIdentity;
let owner: Principal;
let provider: Provider;
let pat: string;
let kim: string;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  provider = await Provider.of(identity, owner);
  pat = (await provider.users.create({ userName: 'pat@example.com', displayName: 'Pat]"\\' })).id;
  kim = (await provider.users.create({ userName: 'kim@example.com', displayName: 'Kim' })).id;
});
afterAll(() => identity.stop());

const aGroup = () => provider.groups.create({ displayName: 'Sales', members: [{ value: pat }, { value: kim }] });
const membersOf = async (id: string): Promise<string[]> =>
  (await provider.groups.get(id)).members.map((member: { value: string }) => member.value);
const put = (id: string, displayName: string, more: object = {}) =>
  provider.groups.replace(id, { displayName, externalId: null, ...more });
const escaped = (text: string) =>
  [...text].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

const noTarget = { code: 'validation', details: expect.objectContaining({ scimType: 'noTarget' }) };
const invalidPath = { code: 'validation', details: expect.objectContaining({ scimType: 'invalidPath' }) };

describe('the path of a PATCH', () => {
  it.each([
    ['value in capitals', () => `members[value eq "${pat.toUpperCase()}"]`],
    ['display', () => String.raw`members[display eq "PAT]\"\\"]`],
    ['display and type', () => 'members[display sw "pat" and type eq "user"]'],
    ['$ref', () => `members[$ref eq "https://leaver.example/scim/v2/Users/${pat}"]`],
    ['exclusion', () => `members[not (value eq "${kim}")]`],
  ])('removes members by %s', async (_by, path) => {
    const { id } = await aGroup();
    await provider.groups.change(id, [{ op: 'remove', path: path() }]);
    expect(await membersOf(id)).toEqual([kim]);
  });

  it('is evaluated after the operations before it', async () => {
    const { id } = await provider.groups.create({ displayName: 'Sales', members: [{ value: kim }] });
    await provider.groups.change(id, [
      { op: 'add', path: 'members', value: [{ value: pat }] },
      { op: 'remove', path: 'members[display sw "pat"]' },
      { op: 'remove', path: `members[value eq "${kim}"]` },
      { op: 'add', path: 'members', value: [{ value: kim }] },
    ]);
    expect(await membersOf(id)).toEqual([kim]);
  });

  it('can match no member for a removal, but not for a replacement', async () => {
    const { id } = await aGroup();
    await provider.groups.change(id, [{ op: 'remove', path: 'members[display eq "Nobody"]' }]);
    const replacement = { op: 'replace', path: 'members[display eq "Nobody"]', value: { value: kim } };
    await expect(provider.groups.change(id, [replacement])).rejects.toMatchObject(noTarget);
    expect(await membersOf(id)).toEqual([pat, kim]);
  });

  it.each([
    'members.display',
    'members[display eq "Kim"].display',
    'displayName[value eq "x"]',
    'externalId[value eq "x"]',
  ])('is refused if it selects nothing that can be removed: %s', async (path) => {
    const { id } = await aGroup();
    await expect(provider.groups.change(id, [{ op: 'remove', path }])).rejects.toMatchObject(invalidPath);
    expect(await membersOf(id)).toEqual([pat, kim]);
  });

  it('ignores attributes of other schemas', async () => {
    const { id } = await aGroup();
    await provider.groups.change(id, [
      { op: 'remove', path: 'urn:example:2.0:Group:members' },
      { op: 'replace', path: 'urn:example:2.0:Group:displayName', value: 'Other' },
      { op: 'replace', path: 'displayName.formatted', value: 'Other' },
    ]);
    expect(await provider.groups.get(id)).toMatchObject({ displayName: 'Sales', members: [{}, {}] });
  });

  it('can contain JSON escapes', async () => {
    const { id } = await aGroup();
    await provider.groups.change(id, [{ op: 'remove', path: `members[value eq "${escaped(pat)}"]` }]);
    expect(await membersOf(id)).toEqual([kim]);
  });
});

describe('meta.lastModified of a group', () => {
  const changeUser = (id: string, body: UserChange) =>
    identity.call(usersUpdate, { principal: owner, params: { id }, body });
  const member = (id: string, userId: string) => ({ principal: owner, params: { id, userId } });

  it('is the creation time until the group changes', async () => {
    const group = await provider.groups.create({ displayName: 'New', externalId: 'G', members: [{ value: pat }] });
    expect(group.meta.lastModified).toBe(group.meta.created);
    identity.clock.advance(1_000);
    await put(group.id, 'New', { externalId: 'G', members: [{ value: pat }] });
    expect((await provider.groups.get(group.id)).meta).toEqual(group.meta);
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['the name', (id) => provider.groups.change(id, [{ op: 'replace', path: 'displayName', value: 'Other' }])],
    ['the external id', (id) => provider.groups.change(id, [{ op: 'add', path: 'externalId', value: 'G' }])],
    ['an added member', (id) => provider.groups.change(id, [{ op: 'add', path: 'members', value: [{ value: kim }] }])],
    ['removed members', (id) => provider.groups.change(id, [{ op: 'remove', path: 'members' }])],
    [
      'the name of the team',
      (id) => identity.call(teamsUpdate, { principal: owner, params: { id }, body: { name: 'X' } }),
    ],
    ['a member added to the team', (id) => identity.call(teamMembersAdd, member(id, kim))],
    ['a member removed from the team', (id) => identity.call(teamMembersRemove, member(id, pat))],
    ['a user update that adds the team', (id) => changeUser(kim, { teamIds: [id] })],
    ['a user update that removes the team', () => changeUser(pat, { teamIds: [] })],
    ['the deletion of a member', () => provider.users.remove(pat)],
  ])('changes with %s', async (_what, change) => {
    const { id, meta } = await provider.groups.create({ displayName: 'Sales', members: [{ value: pat }] });
    identity.clock.advance(1_000);
    const start = identity.clock.now().toISOString();
    await change(id);
    const after = (await provider.groups.get(id)).meta;
    expect(after.created).toBe(meta.created);
    expect(after.lastModified >= start).toBe(true);
    expect(after.version).not.toBe(meta.version);
    const { resources } = await provider.groups.search({ filter: `meta.lastModified gt "${meta.lastModified}"` });
    expect(resources.map((one) => one.id)).toEqual([id]);
  });
});

describe('the ETag of a group', () => {
  const versionOf = async (id: string): Promise<string> => (await provider.groups.get(id)).meta.version;

  it('distinguishes a name from a name with an external id', async () => {
    const { id, meta } = await provider.groups.create({ displayName: 'A B' });
    await put(id, 'A', { externalId: 'B' });
    // Reset, because the time of the change would also make a difference.
    await identity.query(sql`update team set updated_at = null where id = ${id}`);
    expect(await versionOf(id)).not.toBe(meta.version);
  });

  it('changes with the name of a member', async () => {
    const { id, meta } = await aGroup();
    await provider.users.change(pat, [{ op: 'replace', path: 'displayName', value: 'Patricia' }]);
    expect(await versionOf(id)).not.toBe(meta.version);
    expect((await provider.groups.get(id)).meta).toMatchObject({ lastModified: meta.lastModified });
  });

  it('is the same in a list, in a projection and without the members', async () => {
    const { id, meta } = await aGroup();
    const views = [{}, { attributes: ['meta'] }, { excludedAttributes: ['members'] }];
    for (const view of views) expect((await provider.groups.search({ view })).resources).toMatchObject([{ id, meta }]);
  });
});

describe('preconditions', () => {
  const ETAGS = { other: '"other"', any: '*' };

  it('prevent every change of a group if they fail', async () => {
    const { id, meta } = await aGroup();
    const strong = meta.version.slice('W/'.length);
    for (const preconditions of [
      { ifMatch: ETAGS.other },
      { ifNoneMatch: ETAGS.any },
      { ifNoneMatch: meta.version },
      { ifNoneMatch: `${ETAGS.other}, ${strong}` },
      { ifMatch: meta.version, ifNoneMatch: strong },
    ]) {
      const attempts = [
        provider.groups.replace(id, { displayName: 'Other' }, preconditions),
        provider.groups.change(id, [{ op: 'replace', path: 'displayName', value: 'Other' }], preconditions),
        provider.groups.remove(id, preconditions),
      ];
      const outcomes = await Promise.all(attempts.map(outcomeOf));
      expect([preconditions, outcomes]).toEqual([preconditions, Array(3).fill('precondition-failed')]);
    }
    expect((await provider.groups.get(id)).meta).toEqual(meta);
  });

  it('allow changes if they hold', async () => {
    const { id, meta } = await aGroup();
    for (const preconditions of [{ ifMatch: ETAGS.any }, { ifNoneMatch: ETAGS.other }])
      await provider.groups.replace(id, { displayName: 'Sales' }, preconditions);
    const { meta: renamed } = await provider.groups.replace(id, { displayName: 'Other' }, { ifMatch: meta.version });
    await provider.groups.remove(id, { ifMatch: `${ETAGS.other}, ${renamed.version}` });
  });
});
