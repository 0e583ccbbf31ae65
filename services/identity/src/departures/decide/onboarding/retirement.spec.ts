import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  confirmRules,
  declareRulesOf,
  departuresCertificate,
  retireService,
  rulesList,
  servicesKnown,
  type KnownService,
  type Principal,
  type RuleDescription,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { Peer } from '../../../testing/peer.js';

describe('a service that will not come back', () => {
  let departures: TestDepartures;
  let identity: TestIdentity;
  let owner: Principal;
  let gone: Peer;

  const known = async (service: string): Promise<KnownService | undefined> =>
    (await identity.client.ask(servicesKnown, {})).find((one) => one.service === service);
  const retire = () => identity.client.ask(retireService, { service: 'messaging' });
  const joined = () => eventually(async () => expect(await known('messaging')).toMatchObject({ rules: 3 }));

  beforeAll(async () => {
    departures = await TestDepartures.start();
    ({ identity } = departures);
    owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
    gone = await Peer.start(identity, 'messaging');
    await joined();
    await eventually(async () => expect(await known('messaging')).not.toHaveProperty('joining'));
    await gone.pause();
  });
  afterAll(async () => {
    await gone?.stop();
    await departures?.stop();
  });

  it('is listed with when it was last heard and what waits for it', async () => {
    const { userId } = await identity.aPerson(owner);
    const { id } = await departures.deactivate(owner, userId);
    await eventually(async () => expect((await departures.get(owner, id)).progress).toEqual({ done: 2, total: 3 }));
    expect(await known('messaging')).toEqual({
      service: 'messaging',
      rules: 3,
      heardAt: expect.any(String),
      open: 1,
      oldestSince: expect.any(String),
    });
    expect(await known('telephony')).toMatchObject({ open: 0 });
  });

  it('is listed in the preview as uncounted, and the token of that preview needs a confirmation', async () => {
    const { userId } = await identity.aPerson(owner);
    await departures.peer.give(owner.accountId, userId, 'call', 2);
    const preview = await departures.preview(owner, userId, 'deactivated');
    expect(preview.uncounted).toEqual([{ service: 'messaging', reason: 'The service is not running.' }]);
    expect(preview.rules.find(({ rule }) => rule === 'telephony.calls')).toMatchObject({ count: 2 });
    const { planToken } = preview;
    expect(await outcomeOf(departures.deactivate(owner, userId, { planToken }))).toBe('uncounted');
    const accepted = await departures.deactivate(owner, userId, { planToken, acceptUncounted: true });
    expect(accepted.status).toBe('running');
  });

  it('once retired, holds up no departure, takes part in no other, and is onboarded anew when it comes back', async () => {
    const { userId } = await identity.aPerson(owner);
    await gone.start();
    const { id } = await departures.delete(owner, userId);
    await departures.until(owner, await departures.get(owner, id), 'completed');
    await gone.pause();
    const { userId: other } = await identity.aPerson(owner);
    const waiting = await departures.delete(owner, other);
    expect(await retire()).toMatchObject({ service: 'messaging', rules: 0, retiredAt: expect.any(String) });
    const completed = await departures.until(owner, waiting, 'completed');
    expect(completed.progress).toEqual({ done: 2, total: 2 });
    expect(completed.services).toContainEqual({ service: 'messaging', status: 'retired', rules: [] });
    const certificate = await identity.call(departuresCertificate, { principal: owner, params: { id: waiting.id } });
    expect(certificate.payload.services).toContainEqual({ service: 'messaging', status: 'retired', rules: [] });
    expect(await identity.query(sql`select from outbox where 'messaging' = any(waiting)`)).toEqual([]);
    expect(await known('messaging')).toMatchObject({ open: 0 });
    const { items: rules } = await identity.call(rulesList, { principal: owner });
    expect(rules.map(({ service }) => service)).not.toContain('messaging');
    const { items } = await identity.call(auditList, { principal: owner, query: { action: 'service.retired' } });
    expect(items).toMatchObject([{ detail: { service: 'messaging' } }]);
    expect(await outcomeOf(identity.client.ask(retireService, { service: 'nobody' }))).toBe('not-found');
    const { userId: third } = await identity.aPerson(owner);
    const without = await departures.until(owner, await departures.deactivate(owner, third), 'completed');
    expect(without.services.map(({ service }) => service)).toEqual(['identity', 'telephony']);

    await gone.start();
    await joined();
    await eventually(async () => {
      for (const departure of [completed, without]) {
        const { status, progress, services } = await departures.get(owner, departure.id);
        expect([status, progress]).toEqual(['completed', { done: 3, total: 3 }]);
        expect(services.find(({ service }) => service === 'messaging')?.status).toBe('completed');
      }
    });
    expect(await known('messaging')).not.toHaveProperty('retiredAt');
  });
});

describe('a service that drops a rule', () => {
  let departures: TestDepartures;
  let identity: TestIdentity;
  let owner: Principal;
  let declared: RuleDescription[];

  const SERVICE = 'telephony';
  const RULE = 'telephony.calls';
  const declare = (rules: RuleDescription[]) =>
    identity.client.ask(declareRulesOf(SERVICE), { service: SERVICE, rules });
  const known = async (): Promise<KnownService> =>
    (await identity.client.ask(servicesKnown, {})).find(({ service }) => service === SERVICE)!;
  const catalogue = async () => (await identity.call(rulesList, { principal: owner })).items.map(({ id }) => id);
  const stateOf = async (id: string) =>
    (await departures.get(owner, id)).services.find(({ service }) => service === SERVICE)!;

  beforeAll(async () => {
    departures = await TestDepartures.start();
    ({ identity } = departures);
    owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
    const [row] = await identity.query(
      sql<{ rules: RuleDescription[] }>`select rules from service_rules where service = ${SERVICE}`,
    );
    declared = row!.rules;
  });
  afterAll(() => departures?.stop());

  it('still owes it: departures wait, and say so, until an operator confirms that the rule ends', async () => {
    await declare(declared.filter(({ id }) => id !== RULE));
    expect(await catalogue()).toContain(RULE);
    expect(await known()).toMatchObject({ dropped: [RULE], droppedAt: expect.any(String) });
    const { userId } = await identity.aPerson(owner);
    const { id } = await departures.deactivate(owner, userId);
    await eventually(async () =>
      expect(await stateOf(id)).toMatchObject({
        status: 'running',
        rules: expect.arrayContaining([
          expect.objectContaining({ rule: RULE, finishedAt: null, remaining: null, warning: 'rule-dropped' }),
        ]),
      }),
    );
    expect((await departures.get(owner, id)).status).toBe('running');

    const confirm = (rules: string[]) => identity.client.ask(confirmRules, { service: SERVICE, rules });
    expect(await outcomeOf(confirm([]))).toBe('conflict');
    expect(await confirm([RULE])).not.toHaveProperty('dropped');
    const completed = await departures.until(owner, await departures.get(owner, id), 'completed');
    expect(completed.services.flatMap(({ rules }) => rules).map(({ warning }) => warning)).not.toContain(
      'rule-dropped',
    );
    expect(await catalogue()).not.toContain(RULE);
    const { items } = await identity.call(auditList, { principal: owner, query: { action: 'service.rules-ended' } });
    expect(items).toMatchObject([{ detail: { service: SERVICE, rules: [RULE] } }]);
  });

  it('owes a transition of a rule as well, and nothing when it declares everything again', async () => {
    const records = declared.find(({ id }) => id === 'telephony.records')!;
    const { deleted: _, ...transitions } = records.transitions;
    await declare(declared.map((rule) => (rule.id === records.id ? { ...rule, transitions } : rule)));
    expect(await known()).toMatchObject({ rules: 3, dropped: [records.id] });
    const { items } = await identity.call(rulesList, { principal: owner });
    expect(items.find(({ id }) => id === records.id)?.transitions).toEqual(['deactivated', 'deleted']);
    await declare(declared);
    expect(await known()).not.toHaveProperty('dropped');
  });
});
