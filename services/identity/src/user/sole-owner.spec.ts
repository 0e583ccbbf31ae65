import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { usersUpdate, type Principal, type Role } from '#libs/contracts';
import { overlap } from '#libs/lifecycle/testing';
import { outcomeOf, ownerOf, TestIdentity } from '../testing/identity.js';
import { assertOwnerRemains } from './sole-owner.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

const setRoles = (principal: Principal, id: string, roles: Role[]) =>
  identity.call(usersUpdate, { principal, params: { id }, body: { roles } });
const leave = (...ids: string[]) =>
  identity.transaction(() => assertOwnerRemains(identity.get(EntityManager), owner.accountId, ids));

describe('the last active owner', () => {
  it('cannot be demoted, not even by themselves', async () => {
    expect(await outcomeOf(setRoles(owner, owner.userId, ['admin']))).toBe('sole-owner');
    expect(await outcomeOf(setRoles(owner, owner.userId, ['owner', 'admin']))).toBe('ok');
  });

  it('cannot be demoted if the other owners cannot log in', async () => {
    await identity.aUser(owner, { roles: ['owner'], password: undefined });
    const { id } = await identity.aUser(owner, { roles: ['owner'] });
    await identity.query(sql`update users set status = 'deactivated' where id = ${id}`);
    expect(await outcomeOf(setRoles(owner, owner.userId, ['admin']))).toBe('sole-owner');
  });

  it('can be demoted if another owner can log in', async () => {
    await identity.aUser(owner, { roles: ['owner'] });
    expect(await outcomeOf(setRoles(owner, owner.userId, ['admin']))).toBe('ok');
  });

  it('must stay if several users leave together', async () => {
    const second = await identity.aPerson(owner, { roles: ['owner'] });
    const agent = await identity.aPerson(owner);
    expect(await outcomeOf(leave(owner.userId, second.userId, agent.userId))).toBe('sole-owner');
    expect(await outcomeOf(leave(second.userId, agent.userId))).toBe('ok');
  });
});

/** Runs two changes of the account's owners. The second starts while the first is not yet committed. */
const concurrently = async (first: () => Promise<unknown>, second: () => Promise<unknown>) => {
  const contested = { adminUrl: identity.database.adminUrl, row: 'account where id = $1', id: owner.accountId };
  const seen = await overlap(
    contested,
    () => outcomeOf(first()),
    () => outcomeOf(second()),
  );
  expect(seen).toMatchObject({ first: { value: 'ok' }, second: { value: 'sole-owner' }, hasWaited: true });
};

it('if two owners demote each other concurrently, one stays an owner', async () => {
  const other = await identity.aPerson(owner, { roles: ['owner'] });
  await concurrently(
    () => setRoles(owner, other.userId, ['admin']),
    () => setRoles(other, owner.userId, ['admin']),
  );
  const owners = await identity.query(sql`
    select from user_role r join users u on u.id = r.user_id where u.account_id = ${owner.accountId} and r.role = 'owner'`);
  expect(owners).toHaveLength(1);
});

it('if two owners leave concurrently, one stays', async () => {
  const leaving = (id: string) =>
    identity.transaction(async () => {
      const em = identity.get(EntityManager);
      await assertOwnerRemains(em, owner.accountId, [id]);
      await sql`update users set status = 'deactivated' where id = ${id}`.execute(em.getKysely());
    });
  const other = await identity.aPerson(owner, { roles: ['owner'] });
  await concurrently(
    () => leaving(owner.userId),
    () => leaving(other.userId),
  );
});
