import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  authLogin,
  departureRows,
  departuresVerify,
  myApiTokensCreate,
  NOBODY,
  previewedRows,
  teamsCreate,
  usersOverview,
  verificationsGet,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { affectedBy, countedBy, TestDepartures } from '../../../testing/departures.js';
import { ownerOf, PASSWORD, type TestIdentity, sessionOf } from '../../../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
let email: string;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  const team = await identity.call(teamsCreate, { principal: owner, body: { name: 'Sales' } });
  const user = await identity.aUser(owner, { roles: ['admin', 'agent'], teamIds: [team.id] });
  leaver = { accountId: owner.accountId, userId: user.id, roles: user.roles };
  email = user.email!;
});
afterAll(() => departures.stop());

const login = () => identity.call(authLogin, { principal: NOBODY, body: { email, password: PASSWORD } });
/** Creates sessions, tokens, invitations, caretakers, and rows in another service. */
async function belongings(): Promise<void> {
  await login();
  const { accessToken } = await login();
  const principal = { ...leaver, sessionId: sessionOf(accessToken) };
  await identity.call(myApiTokensCreate, { principal, body: { name: 'CI', scopes: ['read'] } });
  await identity.aUser(leaver, { password: undefined });
  const ward = await identity.aUser(owner);
  await identity.query(sql`update users set caretaker_id = ${leaver.userId} where id = ${ward.id}`);
  await identity.query(sql`update users set caretaker_id = ${owner.userId} where id = ${leaver.userId}`);
  await departures.peer.give(owner.accountId, leaver.userId, 'record', 3);
  await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
}

describe('a preview', () => {
  it.each(['deactivated', 'deleted'] as const)(
    'counts for somebody %s what the receipts will say',
    async (transition) => {
      await belongings();
      const preview = await departures.preview(owner, leaver.userId, transition);
      const started = await (transition === 'deleted' ? departures.delete : departures.deactivate).call(
        departures,
        owner,
        leaver.userId,
        { planToken: preview.planToken },
      );
      const departure = await departures.until(owner, started, 'completed');
      expect(affectedBy(departure)).toEqual(countedBy(preview));
      expect(countedBy(preview)).toMatchObject({
        'identity.sessions deactivated': 2,
        'identity.api-tokens deactivated': 1,
        'identity.seat deactivated': 1,
        'identity.invitations deactivated': 1,
        'identity.caretakers by deactivated': 1,
        'telephony.calls deactivated': 2,
      });
    },
  );

  it('contains labels, choices, warnings and successors', async () => {
    await belongings();
    const preview = await departures.preview(owner, leaver.userId, 'deactivated');
    expect(preview).toMatchObject({
      userId: leaver.userId,
      transition: 'deactivated',
      possible: true,
      blockers: [],
      warnings: [{ rule: 'telephony.calls', detail: 'Calls ring nowhere.' }],
      successors: { firstAdminId: owner.userId },
      contactsToTell: [],
    });
    expect(preview.rules.map((line) => line.rule)).toEqual([
      'identity.sessions',
      'identity.api-tokens',
      'identity.seat',
      'identity.invitations',
      'identity.credentials',
      'identity.memberships',
      'identity.memberships',
      'identity.profile',
      'identity.audit',
      'identity.audit',
      'identity.caretakers',
      'identity.managers',
      'identity.provisioning-tokens',
      'identity.scheduled-departures',
      'identity.scheduled-departures',
      'telephony.records',
      'telephony.calls',
    ]);
    expect(preview.rules.at(-1)).toEqual({
      rule: 'telephony.calls',
      service: 'telephony',
      label: 'Calls',
      transition: 'deactivated',
      action: 'unassign',
      allowed: ['unassign', 'keep', 'transfer'],
      destroys: false,
      undoable: true,
      differsFromPolicy: false,
      policyAction: 'unassign',
      count: 2,
      detail: 'Calls ring nowhere.',
    });
  });

  it('lists a service that does not answer, and names it in a refusal if it could destroy something', async () => {
    await departures.peer.pause();
    try {
      const { uncounted } = await departures.preview(owner, leaver.userId, 'deactivated');
      expect(uncounted).toEqual([{ service: 'telephony', reason: 'The service is not running.' }]);
      // Until its next declaration.
      await identity.query(sql`
        update service_rules set rules = (
          select jsonb_agg(case when rule ->> 'id' = 'telephony.calls'
            then jsonb_set(rule, '{transitions,deactivated,destroys}', '["unassign"]') else rule end)
          from jsonb_array_elements(rules) rule) where service = 'telephony'`);
      const preview = departures.preview(owner, leaver.userId, 'deactivated');
      await expect(preview).rejects.toMatchObject({ code: 'service-unavailable', details: { service: 'telephony' } });
    } finally {
      await departures.peer.start();
    }
  });
});

it('the overview counts the rows of a user, also of a deactivated one', async () => {
  await belongings();
  const overview = async () => {
    const { rules } = await identity.call(usersOverview, { principal: owner, params: { id: leaver.userId } });
    return Object.fromEntries(rules.map(({ rule, part, count }) => [part ? `${rule} ${part}` : rule, count]));
  };
  expect(await overview()).toMatchObject({
    'identity.sessions': 2,
    'identity.memberships roles': 2,
    'identity.memberships teams': 1,
    'identity.caretakers by': 1,
    'telephony.records': 3,
    'telephony.calls': 2,
    'telephony.numbers': 0,
  });
  await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
  expect(await overview()).toMatchObject({ 'identity.sessions': 0, 'telephony.records': 3, 'telephony.calls': 0 });
});

describe('the rows behind a count', () => {
  const before = (rule: string, more: object = {}, principal = owner) =>
    identity.call(previewedRows, {
      principal,
      params: { id: leaver.userId },
      query: { rule, transition: 'deactivated', ...more },
    });
  const after = (id: string, rule = 'identity.sessions') =>
    identity.call(departureRows, { principal: owner, params: { id }, query: { rule } });

  it('of identity’s own rules have labels, as far as managers see the rows', async () => {
    await belongings();
    expect(await before('identity.api-tokens')).toMatchObject({ items: [{ type: 'api-token', label: 'CI' }] });
    const sessions = { items: [{ hidden: true }, { hidden: true }], nextCursor: null };
    expect(await before('identity.sessions')).toMatchObject(sessions);
    const line = { transition: 'deleted', lineTransition: 'deactivated' } as const;
    expect(await before('identity.sessions', line)).toMatchObject(sessions);
    expect(await before('identity.sessions', { ...line, lineTransition: 'deleted' })).toMatchObject({ items: [] });
    await expect(before('identity.seat', { action: 'keep' })).rejects.toThrow('identity.seat is fixed');
    const self = { ...leaver, roles: ['admin' as const] };
    expect((await before('identity.sessions', {}, self)).items.map(({ hidden }) => hidden)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('are listed after the departure, or not with a reason', async () => {
    await belongings();
    const later = { effectiveAt: new Date(identity.clock.now().getTime() + 86_400_000).toISOString() };
    const scheduled = await departures.deactivate(owner, leaver.userId, later);
    expect(await after(scheduled.id)).toMatchObject({ items: [], reason: 'not-applied' });
    const left = await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    expect(await after(left.id)).toMatchObject({ items: [], gone: 0, reason: 'not-recorded' });
    expect((await after(left.id, 'identity.memberships')).items).toEqual([]);
    await expect(after(left.id, 'identity.nothing')).rejects.toThrow('There is no rule identity.nothing');
    const deleted = await departures.until(owner, await departures.delete(owner, leaver.userId), 'completed');
    for (const { id } of [left, deleted]) expect(await after(id)).toMatchObject({ items: [], reason: 'user-deleted' });
  });
});

describe('a verification', () => {
  const verify = async () => {
    const { id } = await identity.call(departuresVerify, { principal: owner });
    return eventually(async () => {
      const verification = await identity.call(verificationsGet, { principal: owner, params: { id } });
      expect(verification.status).toBe('completed');
      return verification;
    });
  };

  it('checks all users who have left, and finds nothing', async () => {
    await belongings();
    await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    expect(await verify()).toMatchObject({ checked: 1, broken: [] });
  });

  it('finds rows that were inserted directly into the database', async () => {
    await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
    expect((await verify()).broken).toEqual([
      { userId: leaver.userId, rule: 'telephony.calls', transition: 'deactivated', action: 'unassign', remaining: 2 },
    ]);
  });
});
