import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import {
  apiTokensOfUserList,
  apiTokensOfUserRevoke,
  authenticate,
  authStepUp,
  myApiTokensCreate,
  myApiTokensList,
  myApiTokensRevoke,
  type NewApiToken,
  type Principal,
} from '#libs/contracts';
import { outcomeOf, ownerOf, PASSWORD, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

const create = (principal = owner, wanted: Partial<NewApiToken> = {}) =>
  identity.call(myApiTokensCreate, { principal, body: { name: 'Script', scopes: ['read'], ...wanted } });
const whoIs = (token: string) => identity.client.ask(authenticate, { token });
const list = async (principal = owner) => (await identity.call(myApiTokensList, { principal })).items;

describe('an API token', () => {
  it('authenticates the user who created it, with its scopes and without a session', async () => {
    const { token } = await create();
    expect(token).toMatch(/^lvr_[0-9a-f-]{36}_[\w-]{43}$/);
    const { sessionId: _session, ...user } = owner;
    const { accessToken, ...principal } = (await whoIs(token))!;
    expect(principal).toEqual({ ...user, scopes: ['read'] });
    expect(await whoIs(accessToken!)).toEqual({ ...user, scopes: ['read'] });
    expect(decodeJwt(accessToken!)).toMatchObject({ scopes: ['read'] });
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
    const { token } = await create(await identity.signedIn(person));
    await identity.query(sql`update users set status = 'deactivated' where id = ${person.userId}`);
    expect(await whoIs(token)).toBeNull();
  });

  it('expires, after 90 days unless it asks for less or up to a year', async () => {
    const DAY = 86_400_000;
    const inDays = (days: number) => new Date(identity.clock.millis() + days * DAY).toISOString();
    for (const days of [-1, 0, 366])
      expect(await outcomeOf(create(owner, { expiresAt: inDays(days) }))).toBe('validation');
    const [usual, long] = [await create(), await create(owner, { expiresAt: inDays(365) })];
    const daysUntil = (moment: string) => Math.round((Date.parse(moment) - identity.clock.millis()) / DAY);
    expect([usual, long].map(({ expiresAt }) => daysUntil(expiresAt))).toEqual([90, 365]);
    identity.clock.advanceDays(90);
    expect(await whoIs(usual.token)).toBeNull();
    expect(await whoIs(long.token)).not.toBeNull();
  });

  it('needs a proof of identity that is at most ten minutes old, and a session', async () => {
    const { sessionId: _session, ...withoutSession } = owner;
    expect(await outcomeOf(create(withoutSession))).toBe('step-up-required');
    identity.clock.advance(10 * 60_000);
    expect(await outcomeOf(create())).toBe('step-up-required');
    const prove = (password: string) => outcomeOf(identity.call(authStepUp, { principal: owner, body: { password } }));
    expect(await prove('a guess')).toBe('invalid-credentials');
    expect(await outcomeOf(create())).toBe('step-up-required');
    expect(await prove(PASSWORD)).toBe('ok');
    expect(await outcomeOf(create())).toBe('ok');
  });

  it('is shown to the managers of its user, who can revoke it; an admin does not manage owners', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const agent = await identity.signedIn(await identity.aPerson(owner));
    const { token, ...shown } = await create(agent);
    const of = (principal: Principal, { userId }: Principal) =>
      identity.call(apiTokensOfUserList, { principal, params: { id: userId } });
    const revoke = (principal: Principal, { userId }: Principal, tokenId = shown.id) =>
      outcomeOf(identity.call(apiTokensOfUserRevoke, { principal, params: { id: userId, tokenId } }));
    const owners = await create();
    for (const [call, expected] of [
      [of(admin, owner), 'forbidden'],
      [of(agent, admin), 'forbidden'],
      [of(ownerOf(await identity.anAccount()), agent), 'not-found'],
    ] as const)
      expect(await outcomeOf(call)).toBe(expected);
    expect(await revoke(admin, owner, owners.id)).toBe('forbidden');
    expect(await revoke(agent, agent)).toBe('forbidden');
    expect(await revoke(admin, admin)).toBe('not-found');
    expect((await of(admin, agent)).items).toEqual([shown]);
    expect(await revoke(admin, agent)).toBe('ok');
    expect(await whoIs(token)).toBeNull();
  });
});
