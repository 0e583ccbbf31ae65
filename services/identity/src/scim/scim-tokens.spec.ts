import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  scimTokensCreate,
  scimTokensList,
  scimTokensRevoke,
  type CreatedScimToken,
  type Principal,
} from '#libs/contracts';
import { TestDepartures } from '../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../testing/identity.js';
import { ScimTokens } from './scim-tokens.js';

const KEEP = { overrides: { 'identity.provisioning-tokens': 'keep' as const } };

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
let token: CreatedScimToken;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  leaver = await identity.signedIn(await identity.aPerson(owner, { roles: ['owner'] }));
  token = await create(leaver, 'Okta');
});
afterAll(() => departures.stop());

const create = (principal: Principal, name: string) => identity.call(scimTokensCreate, { principal, body: { name } });
const list = async () => (await identity.call(scimTokensList, { principal: owner })).items;
const use = () => outcomeOf(identity.preparation(() => identity.get(ScimTokens).providerOf(token.token)));
const audited = async (action: string) =>
  (await identity.call(auditList, { principal: owner, query: { action } })).items;

describe('a SCIM token', () => {
  it('shows who created it', async () => {
    expect(token).toMatchObject({ createdBy: { id: leaver.userId, status: 'active' }, creatorHasLeft: false });
    expect(await list()).toMatchObject([{ createdBy: { id: leaver.userId }, creatorHasLeft: false }]);
  });

  it('from before the creator was recorded has none, and is not revoked', async () => {
    await identity.query(sql`update scim_token set created_by = null where id = ${token.id}`);
    await departures.deactivate(owner, leaver.userId);
    expect(await list()).toMatchObject([{ createdBy: null, creatorHasLeft: false }]);
    expect(await use()).toBe('ok');
  });
});

describe('when the creator of a SCIM token leaves', () => {
  it.each(['deactivate', 'delete'] as const)('it is revoked at once (%s), and the trail says so', async (how) => {
    await create(owner, 'Entra');
    expect(await use()).toBe('ok');
    await departures[how](owner, leaver.userId);
    expect(await use()).toBe('unauthenticated');
    expect((await list()).map(({ name }) => name)).toEqual(['Entra']);
    expect(await audited('scim-token.revoked')).toMatchObject([
      { actor: null, system: 'system (departure)', detail: { tokenId: token.id, createdBy: leaver.userId } },
    ]);
  });

  it('it is not valid again when they return', async () => {
    await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    await departures.until(owner, await departures.reactivate(owner, leaver.userId, { restore: 'all' }), 'completed');
    expect(await use()).toBe('unauthenticated');
  });

  it('it stays valid under `keep`, and is flagged until it is replaced', async () => {
    await departures.until(owner, await departures.deactivate(owner, leaver.userId, KEEP), 'completed');
    expect(await use()).toBe('ok');
    expect(await list()).toMatchObject([{ createdBy: { status: 'deactivated' }, creatorHasLeft: true }]);
    expect(await audited('scim-token.creator-left')).toMatchObject([
      { actor: null, system: 'system (departure)', detail: { tokenId: token.id, createdBy: leaver.userId } },
    ]);
    await departures.until(owner, await departures.delete(owner, leaver.userId, KEEP), 'completed');
    expect(await list()).toMatchObject([{ createdBy: { name: 'Deleted user' }, creatorHasLeft: true }]);
    await create(owner, 'Entra');
    await identity.call(scimTokensRevoke, { principal: owner, params: { id: token.id } });
    expect(await list()).toMatchObject([{ name: 'Entra', creatorHasLeft: false }]);
  });

  it('the preview warns and names it', async () => {
    const { warnings, rules } = await departures.preview(owner, leaver.userId, 'deactivated');
    const rule = 'identity.provisioning-tokens';
    expect(warnings).toContainEqual(
      expect.objectContaining({ rule, detail: expect.stringMatching(/Attention.*provisioning.*stops: “Okta”/) }),
    );
    expect(rules).toContainEqual(expect.objectContaining({ rule, action: 'revoke', count: 1 }));
  });
});
