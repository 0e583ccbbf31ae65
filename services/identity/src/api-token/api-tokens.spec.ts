import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { authenticate, myApiTokensCreate, myApiTokensList, myApiTokensRevoke, type Principal } from '#libs/contracts';
import { outcomeOf, ownerOf, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

const create = (principal = owner) => identity.call(myApiTokensCreate, { principal, body: { name: 'Script' } });
const whoIs = (token: string) => identity.client.ask(authenticate, { token });
const list = async (principal = owner) => (await identity.call(myApiTokensList, { principal })).items;

describe('an API token', () => {
  it('authenticates the user who created it, without a session', async () => {
    const { token } = await create();
    expect(token).toMatch(/^lvr_[0-9a-f-]{36}_[\w-]{43}$/);
    expect(await whoIs(token)).toEqual(owner);
  });

  it('is shown once and not stored', async () => {
    const { token, ...rest } = await create();
    expect(await list()).toEqual([rest]);
    const secret = token.slice(-43);
    const [stored] = await identity.query(
      sql<{ row: string }>`select api_token::text as row from api_token where id = ${rest.id}`,
    );
    expect(stored!.row).not.toContain(secret);
    expect(stored!.row).not.toContain(Buffer.from(secret).toString('hex'));
  });

  it('is refused with a wrong secret, id or format', async () => {
    const [one, other] = [await create(), await create()];
    expect(await whoIs(`lvr_${one.id}_${other.token.slice(-43)}`)).toBeNull();
    expect(await whoIs(one.token.slice(0, -1))).toBeNull();
    expect(await whoIs('lvr_')).toBeNull();
  });

  it('shows when it was last used, accurate to the minute', async () => {
    const { token } = await create();
    expect((await list())[0]!.lastUsedAt).toBeNull();
    await whoIs(token);
    const { lastUsedAt } = (await list())[0]!;
    expect(lastUsedAt).not.toBeNull();
    await whoIs(token);
    expect((await list())[0]!.lastUsedAt).toBe(lastUsedAt);
    identity.clock.advance(61_000);
    await whoIs(token);
    expect((await list())[0]!.lastUsedAt).not.toBe(lastUsedAt);
  });

  it('is invalid once revoked, and only its owner can revoke it', async () => {
    const { id, token } = await create();
    const stranger = await identity.aPerson(owner, { roles: ['admin'] });
    const revoke = (principal: Principal) => identity.call(myApiTokensRevoke, { principal, params: { id } });
    expect(await outcomeOf(revoke(stranger))).toBe('not-found');
    expect(await outcomeOf(revoke(owner))).toBe('ok');
    expect(await outcomeOf(revoke(owner))).toBe('not-found');
    expect(await whoIs(token)).toBeNull();
    expect(await list()).toEqual([]);
  });

  it('is invalid while its owner is not active', async () => {
    const person = await identity.aPerson(owner);
    const { token } = await create(person);
    await identity.query(sql`update users set status = 'deactivated' where id = ${person.userId}`);
    expect(await whoIs(token)).toBeNull();
  });
});
