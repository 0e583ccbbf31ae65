import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  auditList,
  declareRulesOf,
  policyGet,
  policyPut,
  rulesList,
  usersDeactivate,
  type PolicyChange,
  type Principal,
  type Problem,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { outcomeOf, ownerOf, TestIdentity } from '../testing/identity.js';
import { Peer } from '../testing/peer.js';

let identity: TestIdentity;
let peer: Peer;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start({ silent: false });
  owner = ownerOf(await identity.anAccount());
  peer = await Peer.start(identity, 'telephony');
  await eventually(async () => expect((await rules()).some((rule) => rule.service === 'telephony')).toBe(true));
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(async () => {
  await peer.stop();
  await identity.stop();
});

const NO_APPROVALS = { deleted: false, destructive: false, bulkAbove: null, scim: 'proceed', days: 7 };

const rules = async () => (await identity.call(rulesList, { principal: owner })).items;
const put = (body: PolicyChange, principal = owner) => identity.call(policyPut, { principal, body });
const get = () => identity.call(policyGet, { principal: owner });
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (problem: Problem) => ({ code: problem.code, ...problem.details }),
  );

describe('the catalogue', () => {
  it('lists identity’s rules first, then those of other services, in the order of each service', async () => {
    const ids = (await rules()).map((rule) => rule.id);
    expect(ids).toEqual([
      'identity.sessions',
      'identity.api-tokens',
      'identity.seat',
      'identity.invitations',
      'identity.credentials',
      'identity.memberships',
      'identity.profile',
      'identity.audit',
      'identity.caretakers',
      'identity.managers',
      'identity.provisioning-tokens',
      'identity.scheduled-departures',
      'telephony.records',
      'telephony.calls',
      'telephony.numbers',
    ]);
  });

  it('contains the default action of each rule under each preset', async () => {
    const all = await rules();
    expect(all.find((rule) => rule.id === 'telephony.numbers')).toEqual({
      id: 'telephony.numbers',
      service: 'telephony',
      label: 'Numbers',
      transitions: ['deleted'],
      allowed: ['keep', 'block', 'transfer'],
      fixed: false,
      defaults: {
        crm: { deleted: 'keep' },
        helpdesk: { deleted: 'keep' },
        texting: { deleted: 'keep' },
        calls: { deleted: 'block' },
      },
    });
    const choices = all.filter((rule) => rule.service === 'identity' && !rule.fixed).map((rule) => rule.id);
    expect(choices).toEqual(['identity.invitations', 'identity.provisioning-tokens', 'identity.scheduled-departures']);
    expect(all.filter((rule) => rule.service !== 'identity' && rule.fixed)).toEqual([]);
  });

  it('accepts rules only from the service that owns them', async () => {
    const [rule] = await rules();
    const description = { ...rule!, position: 0, transitions: {} };
    const declaration = { service: 'telephony', rules: [description] };
    expect(await outcomeOf(identity.client.ask(declareRulesOf('telephony'), declaration))).toBe('validation');
    const empty = { service: 'telephony', rules: [] };
    expect(await outcomeOf(identity.client.ask(declareRulesOf('contacts'), empty))).toBe('forbidden');
    expect((await rules()).some(({ service }) => service === 'telephony')).toBe(true);
  });
});

describe('a policy', () => {
  it('starts with the account’s preset and no overrides', async () => {
    expect(await get()).toEqual({
      preset: 'crm',
      overrides: {},
      scimInactive: 'deactivate',
      eraseAfterDays: null,
      autoReply: null,
      mfa: 'off',
      approvals: NO_APPROVALS,
      eraseAnnouncedDaysBefore: 7,
      version: 1,
    });
  });

  it('can be changed in whole or in part, and each change raises the version and is audited', async () => {
    const overrides = { 'telephony.records': { deactivated: 'transfer', deleted: { action: 'keep' } } } as const;
    expect(await put({ overrides })).toEqual({
      preset: 'crm',
      overrides,
      scimInactive: 'deactivate',
      eraseAfterDays: null,
      autoReply: null,
      mfa: 'off',
      approvals: NO_APPROVALS,
      eraseAnnouncedDaysBefore: 7,
      version: 2,
    });
    const changed = {
      preset: 'calls',
      overrides,
      scimInactive: 'deactivate',
      eraseAfterDays: null,
      autoReply: null,
      mfa: 'off',
      approvals: NO_APPROVALS,
      eraseAnnouncedDaysBefore: 7,
      version: 3,
    };
    expect(await put({ preset: 'calls' })).toEqual(changed);
    expect(await get()).toEqual(changed);
    const { items } = await identity.call(auditList, { principal: owner, query: { action: 'policy.changed' } });
    expect(items).toHaveLength(2);
  });

  it('is not changed if its version is not the expected one', async () => {
    await put({ preset: 'texting', version: 1 });
    expect(await outcomeOf(put({ preset: 'helpdesk', version: 1 }))).toBe('conflict');
    expect((await get()).preset).toBe('texting');
  });

  it('refuses an unknown rule, and lists the valid ones', async () => {
    const answer = await refusal(put({ overrides: { 'telephony.fax': { deleted: 'keep' } } }));
    expect(answer).toMatchObject({ code: 'unknown-rule', valid: expect.arrayContaining(['telephony.numbers']) });
    expect((await get()).version).toBe(1);
  });

  it('refuses an action that the rule does not offer, and lists the valid ones', async () => {
    const overrides = { 'telephony.numbers': { deleted: 'unassign' } } as const;
    expect(await refusal(put({ overrides }))).toMatchObject({
      code: 'invalid-action',
      valid: ['keep', 'block', 'transfer'],
    });
    const never = { 'telephony.numbers': { deactivated: 'keep' } } as const;
    expect(await refusal(put({ overrides: never }))).toMatchObject({ code: 'invalid-action', valid: [] });
    const unknownAction = { 'telephony.numbers': { deleted: 'explode' } } as unknown as PolicyChange['overrides'];
    expect(await outcomeOf(put({ overrides: unknownAction }))).toBe('invalid-action');
  });

  it('cannot override a fixed rule', async () => {
    expect(await refusal(put({ overrides: { 'identity.sessions': { deactivated: 'revoke' } } }))).toMatchObject({
      code: 'invalid-action',
      valid: [],
    });
  });

  it.each([
    ['days for an action without days', { 'telephony.numbers': { deleted: { action: 'keep', days: 3 } } }],
    ['a scope for a rule without one', { 'telephony.numbers': { deleted: { action: 'keep', scope: 'all' } } }],
    ['an unknown transition', { 'telephony.numbers': { reactivated: 'keep' } }],
    ['an invalid action', { 'telephony.numbers': { deleted: 7 } }],
    ['an unknown field', { 'telephony.numbers': { deleted: { action: 'keep', to: 'me' } } }],
    ['an action without a transition', { 'telephony.numbers': 'keep' }],
  ])('refuses %s', async (_, overrides) => {
    expect(await outcomeOf(put({ overrides: overrides as unknown as PolicyChange['overrides'] }))).toBe('validation');
  });

  it('cannot be changed by agents', async () => {
    const agent = await identity.aPerson(owner);
    expect(await outcomeOf(put({ preset: 'calls' }, { ...agent, roles: ['admin'] }))).toBe('forbidden');
  });
});

describe('what needs approval', () => {
  const aManager = () => identity.aPerson(owner, { roles: ['admin'] });

  it('can be changed field by field, and the trail has the former and the new value', async () => {
    await aManager();
    expect((await put({ approvals: { deleted: true, bulkAbove: 20 } })).approvals).toEqual({
      ...NO_APPROVALS,
      deleted: true,
      bulkAbove: 20,
    });
    const { approvals } = await put({ approvals: { bulkAbove: null, scim: 'wait', days: 3 } });
    expect(approvals).toEqual({ ...NO_APPROVALS, deleted: true, scim: 'wait', days: 3 });
    const { items } = await identity.call(auditList, { principal: owner, query: { action: 'policy.changed' } });
    expect(items[0]).toMatchObject({
      actor: { id: owner.userId },
      detail: { from: { approvals: { bulkAbove: 20 } }, to: { approvals: { bulkAbove: null, scim: 'wait' } } },
    });
  });

  it('is changed only by owners with a recent proof of identity; the same value needs none', async () => {
    const admin = await aManager();
    await put({ approvals: { deleted: true } });
    expect(await outcomeOf(put({ approvals: { deleted: false } }, admin))).toBe('forbidden');
    expect(await outcomeOf(put({ approvals: { deleted: true }, preset: 'calls' }, admin))).toBe('ok');
    const { sessionId: _session, ...token } = owner;
    expect(await outcomeOf(put({ approvals: { deleted: false } }, token))).toBe('step-up-required');
    identity.clock.advance(11 * 60_000);
    expect(await outcomeOf(put({ approvals: { deleted: false } }))).toBe('step-up-required');
    expect((await get()).approvals.deleted).toBe(true);
  });

  it('is not switched on where nobody else could approve, and the only manager can switch it off', async () => {
    expect(await outcomeOf(put({ approvals: { destructive: true } }))).toBe('no-approver');
    expect(await outcomeOf(put({ approvals: { days: 30 } }))).toBe('ok');
    const admin = await aManager();
    await put({ approvals: { destructive: true, bulkAbove: 5 } });
    await identity.call(usersDeactivate, { principal: owner, params: { id: admin.userId }, body: {} });
    expect(await outcomeOf(put({ approvals: { bulkAbove: 4 } }))).toBe('no-approver');
    expect(await outcomeOf(put({ approvals: { bulkAbove: 6 } }))).toBe('ok');
    expect(await outcomeOf(put({ approvals: { destructive: false } }))).toBe('ok');
  });
});
