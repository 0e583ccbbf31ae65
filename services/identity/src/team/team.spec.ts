import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  teamMembersAdd,
  teamMembersRemove,
  teamsCreate,
  teamsGet,
  teamsList,
  teamsRemove,
  teamsUpdate,
  usersGet,
  type Principal,
} from '#libs/contracts';
import { outcomeOf, ownerOf, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let owner: Principal;
let person: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  person = await identity.aPerson(owner);
});
afterAll(() => identity.stop());

const create = (name: string, principal = owner) => identity.call(teamsCreate, { principal, body: { name } });
const add = (id: string, userId: string, principal = owner) =>
  identity.call(teamMembersAdd, { principal, params: { id, userId } });
const removeMember = (id: string, userId: string) =>
  identity.call(teamMembersRemove, { principal: owner, params: { id, userId } });
const members = async (id: string) => (await identity.call(teamsGet, { principal: owner, params: { id } })).memberIds;
const publishedTeams = async (userId: string) =>
  (
    await identity.query(sql<{ teams: string[] }>`
      select event->'data'->'profile'->'teamIds' as teams from outbox where user_id = ${userId} order by seq`)
  ).map((row) => row.teams);

describe('a team', () => {
  it('can be listed, renamed and removed, and its members are published', async () => {
    const { id } = await create('Sales');
    await add(id, person.userId);
    expect((await identity.call(teamsList, { principal: person })).items).toEqual([
      { id, name: 'Sales', memberIds: [person.userId] },
    ]);
    const renamed = await identity.call(teamsUpdate, { principal: owner, params: { id }, body: { name: 'Retail' } });
    expect(renamed.name).toBe('Retail');
    await identity.call(teamsRemove, { principal: owner, params: { id } });
    expect((await identity.call(teamsList, { principal: owner })).items).toEqual([]);
    expect(await publishedTeams(person.userId)).toEqual([[], [id], []]);
  });

  it('has a unique name in the account, ignoring case', async () => {
    await create('Sales');
    expect(await outcomeOf(create('SALES'))).toBe('conflict');
    expect(await outcomeOf(create('Sales', ownerOf(await identity.anAccount())))).toBe('ok');
  });

  it('can be changed only by owners and admins', async () => {
    const { id } = await create('Sales');
    expect(await outcomeOf(create('Mine', person))).toBe('forbidden');
    expect(await outcomeOf(add(id, person.userId, person))).toBe('forbidden');
  });
});

describe('membership', () => {
  it('can be added or removed twice with the same effect as once', async () => {
    const { id } = await create('Sales');
    await add(id, person.userId);
    await add(id, person.userId);
    expect(await members(id)).toEqual([person.userId]);
    await removeMember(id, person.userId);
    await removeMember(id, person.userId);
    expect(await members(id)).toEqual([]);
    expect(await publishedTeams(person.userId)).toEqual([[], [id], []]);
  });

  it('is shown in the user', async () => {
    const { id } = await create('Sales');
    await add(id, person.userId);
    expect((await identity.call(usersGet, { principal: owner, params: { id: person.userId } })).teamIds).toEqual([id]);
  });

  it('is limited to users of the account who have not left', async () => {
    const { id } = await create('Sales');
    const stranger = await identity.anAccount();
    expect(await outcomeOf(add(id, stranger.user.id))).toBe('unknown-user');
    expect(await outcomeOf(add(id, person.userId, ownerOf(stranger)))).toBe('unknown-user');
    expect(await outcomeOf(add(id, stranger.user.id, ownerOf(stranger)))).toBe('not-found');
    await identity.query(sql`update users set status = 'deactivated' where id = ${person.userId}`);
    expect(await outcomeOf(add(id, person.userId))).toBe('inactive-user');
  });
});
