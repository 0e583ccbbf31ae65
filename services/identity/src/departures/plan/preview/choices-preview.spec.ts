import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  policyPut,
  Problem,
  type ChoicesPreview,
  type Departure,
  type DepartureRequest,
  type PlanChange,
  type PreviewedChoices,
  type Principal,
} from '#libs/contracts';
import { sql } from 'kysely';
import { affectedBy, countedBy, TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';

const DAY = 86_400_000;

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: string;
let colleague: string;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  leaver = (await identity.aUser(owner)).id;
  colleague = (await identity.aUser(owner)).id;
  await departures.peer.give(owner.accountId, leaver, 'record', 3);
  await departures.peer.give(owner.accountId, leaver, 'call', 2);
});
afterAll(() => departures.stop());

const inDays = (days: number) => new Date(identity.clock.millis() + days * DAY).toISOString();
const previewOf = (body: PreviewedChoices) => departures.previewOf(owner, leaver, body);
const tokenOf = async (body: PreviewedChoices) => (await previewOf(body)).planToken!;
const deactivate = (body: DepartureRequest) => departures.deactivate(owner, leaver, body);
/** What the refusal of a plan says has changed. */
const refusalOf = async (call: Promise<unknown>): Promise<{ detail?: string; changes: readonly PlanChange[] }> => {
  const problem = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(problem instanceof Problem)) throw new Error('the request was not refused');
  expect(problem.code).toBe('plan-stale');
  return { detail: problem.details.detail, changes: problem.details.changes ?? [] };
};

describe('a preview of a request', () => {
  it('counts what exactly this request does, as the receipts do', async () => {
    const choices = {
      successors: { 'telephony.calls': colleague },
      overrides: { 'telephony.records': 'delete' as const, 'identity.invitations': 'keep' as const },
    };
    const preview = await previewOf({ transition: 'deactivated', ...choices });
    const started = await deactivate({ ...choices, planToken: preview.planToken });
    const departure = await departures.until(owner, started, 'completed');
    expect(affectedBy(departure)).toEqual(countedBy(preview));
    expect(countedBy(preview)).toMatchObject({ 'telephony.records deactivated': 3, 'telephony.calls deactivated': 2 });
  });

  it('says of each rule how it differs from the policy and what it destroys', async () => {
    const overrides = { 'telephony.records': 'delete' as const };
    const successors = { 'telephony.calls': colleague };
    const { rules } = await previewOf({ transition: 'deactivated', overrides, successors });
    const byRule = new Map(rules.map((line) => [line.rule, line]));
    expect(byRule.get('telephony.records')).toMatchObject({
      ...{ action: 'delete', count: 3, destroys: true, undoable: false },
      ...{ differsFromPolicy: true, policyAction: 'keep' },
    });
    expect(byRule.get('telephony.calls')).toMatchObject({
      ...{ action: 'transfer', successorId: colleague, destroys: false, undoable: true },
      ...{ differsFromPolicy: true, policyAction: 'unassign' },
    });
    expect(byRule.get('identity.api-tokens')).toMatchObject({
      ...{ destroys: false, undoable: false, differsFromPolicy: false, policyAction: 'revoke' },
    });
  });

  it('with the choices of the policy is the preview of the policy', async () => {
    const { planToken: _token, ...byPolicy } = await departures.preview(owner, leaver, 'deleted');
    const { planToken: _other, ...chosen } = await previewOf({ transition: 'deleted' });
    expect(chosen).toEqual(byPolicy);
    expect(byPolicy.rules.some(({ undoable }) => undoable)).toBe(false);
  });

  it('under a policy that is not saved shows what that policy would do, and gives no token', async () => {
    const policy = { overrides: { 'telephony.records': { deactivated: 'delete' as const } } };
    const preview = await previewOf({ transition: 'deactivated', policy });
    expect(preview.planToken).toBeUndefined();
    expect(preview.rules.find(({ rule }) => rule === 'telephony.records')).toMatchObject({
      ...{ action: 'delete', count: 3, differsFromPolicy: true, policyAction: 'keep' },
    });
    await departures.peer.give(owner.accountId, leaver, 'number', 1);
    const blocking = await previewOf({ transition: 'deleted', policy: { preset: 'calls' } });
    expect(blocking.blockers).toMatchObject([{ code: 'numbers-assigned' }]);
    const unknown = { overrides: { 'telephony.nothing': { deactivated: 'keep' as const } } };
    expect(await outcomeOf(previewOf({ transition: 'deactivated', policy: unknown }))).toBe('unknown-rule');
  });

  it('has the refusals of the decision', async () => {
    const gone = (await identity.aUser(owner)).id;
    await departures.until(owner, await departures.deactivate(owner, gone), 'completed');
    const refused: [string, Omit<PreviewedChoices, 'transition'>][] = [
      ['invalid-successor', { successors: { default: gone } }],
      ['invalid-successor', { successors: { default: leaver } }],
      ['invalid-action', { overrides: { 'telephony.calls': 'delete' } }],
      ['invalid-action', { overrides: { 'identity.sessions': 'keep' } }],
      ['unknown-rule', { successors: { 'telephony.nothing': colleague } }],
      ['validation', { effectiveAt: inDays(-1) }],
      ['validation', { returnAt: inDays(-1) }],
      ['validation', { restore: 'all' }],
      ['unknown-rule', { returnAt: inDays(1), restore: ['telephony.nothing'] }],
    ];
    for (const [code, choices] of refused) {
      expect([choices, await outcomeOf(previewOf({ transition: 'deactivated', ...choices }))]).toEqual([choices, code]);
      expect([choices, await outcomeOf(deactivate(choices))]).toEqual([choices, code]);
    }
    expect(await outcomeOf(previewOf({ transition: 'deleted', returnAt: inDays(1) }))).toBe('validation');
  });

  it('shows what stands in the way on a later day', async () => {
    await departures.delete(owner, leaver, { effectiveAt: inDays(3) });
    const late = await previewOf({ transition: 'deactivated', effectiveAt: inDays(5) });
    expect(late).toMatchObject({ possible: false, blockers: [{ code: 'conflict' }] });
    expect(await previewOf({ transition: 'deactivated', effectiveAt: inDays(2) })).toMatchObject({ possible: true });
  });

  it('shows that a deactivation only keeps a user away who was to return', async () => {
    const returnAt = inDays(5);
    await departures.until(owner, await deactivate({ returnAt }), 'completed');
    expect(await previewOf({ transition: 'deactivated' })).toMatchObject({ possible: true, blockers: [] });
    const other = await previewOf({ transition: 'deactivated', successors: { default: colleague } });
    expect(other).toMatchObject({ possible: false, blockers: [{ code: 'conflict' }] });
    const planToken = await tokenOf({ transition: 'deactivated' });
    expect(await outcomeOf(deactivate({ planToken }))).toBe('ok');
  });
});

describe('the preview of a return', () => {
  const leave = async (overrides: PreviewedChoices['overrides']) =>
    departures.until(owner, await deactivate({ overrides }), 'completed');
  /** What comes back and what does not, by rule. */
  const returned = ({ services }: Departure) =>
    Object.fromEntries(
      services.flatMap(({ rules }) =>
        rules.map((line) => [line.rule, [line.affected, line.notRestored, line.warning]]),
      ),
    );
  const previewed = ({ rules }: ChoicesPreview) =>
    Object.fromEntries(rules.map((line) => [line.rule, [line.count, line.notRestored, line.warning]]));

  it.each([undefined, 'all', ['telephony.calls', 'identity.sessions']] as const)(
    'restoring %p counts what the receipts will say',
    async (wanted) => {
      const restore = typeof wanted === 'object' ? [...wanted] : wanted;
      await leave({ 'telephony.records': 'unassign' });
      await departures.peer.query(sql`delete from thing where id in (
        select id from thing where account_id = ${owner.accountId} and kind = 'record' limit 1)`);
      await departures.peer.query(sql`update thing set owner = ${colleague} where id in (
        select id from thing where account_id = ${owner.accountId} and kind = 'record' limit 1)`);
      const preview = await previewOf({ transition: 'reactivated', restore });
      const started = await departures.reactivate(owner, leaver, { restore, planToken: preview.planToken });
      expect(returned(await departures.until(owner, started, 'completed'))).toEqual(previewed(preview));
      if (restore !== 'all') return;
      expect(preview.rules.find(({ rule }) => rule === 'telephony.records')).toMatchObject({
        ...{ transition: 'reactivated', action: 'restore', count: 1, notRestored: 2, warning: 'changed-since' },
        missing: [
          { reason: 'deleted', count: 1 },
          { reason: 'taken', count: 1 },
        ],
        detail: 'Rows that do not come back: 1 have been deleted since, 1 belong to somebody else now.',
      });
    },
  );

  it('changes nothing, and shows what stands in the way', async () => {
    const active = await previewOf({ transition: 'reactivated', restore: 'all' });
    expect(active).toMatchObject({ possible: false, blockers: [{ code: 'conflict' }], rules: [] });
    await leave({ 'telephony.records': 'unassign' });
    await previewOf({ transition: 'reactivated', restore: 'all' });
    expect(await departures.peer.owned(leaver, 'record')).toBe(0);
    await identity.query(sql`update account set seats = 2 where id = ${owner.accountId}`);
    expect((await previewOf({ transition: 'reactivated' })).blockers).toMatchObject([{ code: 'no-free-seat' }]);
    const refused: [string, Partial<PreviewedChoices>][] = [
      ['validation', { successors: { default: colleague } }],
      ['validation', { effectiveAt: inDays(1) }],
      ['validation', { policy: {} }],
      ['unknown-rule', { restore: ['telephony.nothing'] }],
    ];
    for (const [code, choices] of refused)
      expect(await outcomeOf(previewOf({ transition: 'reactivated', ...choices }))).toBe(code);
  });

  it('has a token that is refused if something else is restored', async () => {
    await leave({ 'telephony.records': 'unassign' });
    const planToken = await tokenOf({ transition: 'reactivated' });
    const { detail, changes } = await refusalOf(departures.reactivate(owner, leaver, { restore: 'all', planToken }));
    expect(detail).toContain('differs in restore.');
    expect(changes).toContainEqual({
      ...{ rule: 'telephony.records', transition: 'reactivated', before: null },
      after: { action: 'restore', count: 3 },
    });
  });
});

describe('the plan token of a request', () => {
  const choices = () => ({
    successors: { default: colleague },
    overrides: { 'telephony.records': 'delete' as const },
    effectiveAt: inDays(2),
    returnAt: inDays(9),
    restore: 'all' as const,
  });

  it('carries out the same choices, however they are written', async () => {
    const previewed = choices();
    const planToken = await tokenOf({ transition: 'deactivated', ...previewed });
    const same = { ...previewed, overrides: { 'telephony.records': { action: 'delete' as const } } };
    expect(await outcomeOf(deactivate({ ...same, reason: 'Moving on', planToken }))).toBe('ok');
  });

  it('is refused for other choices, with what they change', async () => {
    const previewed = choices();
    const planToken = await tokenOf({ transition: 'deactivated', ...previewed });
    const others: [string, DepartureRequest][] = [
      ['successors', { ...previewed, successors: { default: owner.userId } }],
      ['overrides', { ...previewed, overrides: {} }],
      ['effectiveAt', { ...previewed, effectiveAt: inDays(3) }],
      ['returnAt', { ...previewed, returnAt: inDays(10) }],
      ['restore', { ...previewed, restore: ['telephony.calls'] }],
    ];
    for (const [field, request] of others) {
      const { detail } = await refusalOf(deactivate({ ...request, planToken }));
      expect(detail).toContain(`differs in ${field}.`);
    }
    const { changes } = await refusalOf(deactivate({ ...previewed, overrides: {}, planToken }));
    expect(changes).toEqual([
      {
        ...{ rule: 'telephony.records', transition: 'deactivated' },
        before: { action: 'delete', count: 3 },
        after: { action: 'transfer', count: 3, successorId: colleague },
      },
    ]);
    expect((await refusalOf(departures.delete(owner, leaver, { planToken }))).detail).toContain('transition');
    const { detail } = await refusalOf(departures.deactivate(owner, colleague, { planToken }));
    expect(detail).toBe('The plan token is about another user.');
  });

  it('is refused when other rows would be destroyed, and not because of other rows', async () => {
    const request = { overrides: { 'telephony.records': 'delete' as const } };
    const planToken = await tokenOf({ transition: 'deactivated', ...request });
    await departures.peer.give(owner.accountId, leaver, 'record', 1);
    const { changes } = await refusalOf(deactivate({ ...request, planToken }));
    expect(changes).toEqual([
      {
        ...{ rule: 'telephony.records', transition: 'deactivated' },
        ...{ before: { action: 'delete', count: 3 }, after: { action: 'delete', count: 4 } },
      },
    ]);
    const again = await tokenOf({ transition: 'deactivated', ...request });
    await departures.peer.give(owner.accountId, leaver, 'call', 5);
    expect(await outcomeOf(deactivate({ ...request, planToken: again }))).toBe('ok');
  });

  it('is refused when the policy or a named successor has changed', async () => {
    const request = { successors: { 'telephony.calls': colleague } };
    const planToken = await tokenOf({ transition: 'deactivated', ...request });
    const overrides = { 'telephony.records': { deactivated: 'unassign' as const } };
    await identity.call(policyPut, { principal: owner, body: { overrides } });
    const { changes } = await refusalOf(deactivate({ ...request, planToken }));
    expect(changes).toEqual([
      {
        ...{ rule: 'telephony.records', transition: 'deactivated' },
        ...{ before: { action: 'keep', count: 3 }, after: { action: 'unassign', count: 3 } },
      },
    ]);
    const again = await tokenOf({ transition: 'deactivated', ...request });
    identity.clock.advance(1);
    await identity.query(sql`update users set updated_at = ${identity.clock.now()} where id = ${colleague}`);
    expect((await refusalOf(deactivate({ ...request, planToken: again }))).changes).toEqual([]);
  });

  it('is refused with the name of a service that would have to count what is destroyed', async () => {
    const request = { overrides: { 'telephony.records': 'delete' as const } };
    const planToken = await tokenOf({ transition: 'deactivated', ...request });
    await departures.peer.pause();
    try {
      await expect(deactivate({ ...request, planToken })).rejects.toMatchObject({
        ...{ code: 'service-unavailable', details: { service: 'telephony' } },
      });
    } finally {
      await departures.peer.start();
    }
  });
});
