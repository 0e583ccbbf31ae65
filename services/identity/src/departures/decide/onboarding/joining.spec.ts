import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  auditList,
  declareRulesOf,
  departuresCertificate,
  departuresVerify,
  verificationsGet,
  type Departure,
  type Principal,
  type RuleDescription,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { affectedBy, TestDepartures } from '../../../testing/departures.js';
import { ownerOf, type TestIdentity } from '../../../testing/identity.js';
import { Peer } from '../../../testing/peer.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let stranger: Principal;
let late: Peer;
/** Users who were deactivated, deleted and reactivated before the onboarding of the other service. */
let gone: Record<'deactivated' | 'deleted' | 'back', { who: Principal; departure: Departure }>;

const settled = (service: string) =>
  eventually(async () => {
    const [row] = await identity.query(
      sql<{ joining: string | null }>`select joining from service_rules where service = ${service}`,
    );
    expect(row).toEqual({ joining: null });
  });

beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
  await settled('telephony');
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  stranger = ownerOf(await identity.anAccount());
  const leave = async (how: 'deactivate' | 'delete', who: Principal) =>
    departures.until(owner, await departures[how](owner, who.userId), 'completed');
  const [one, two, three] = [
    await identity.aPerson(owner),
    await identity.aPerson(owner),
    await identity.aPerson(owner),
  ];
  gone = {
    deactivated: { who: one, departure: await leave('deactivate', one) },
    deleted: { who: two, departure: await leave('delete', two) },
    back: { who: three, departure: await leave('deactivate', three) },
  };
  await departures.until(owner, await departures.reactivate(owner, three.userId), 'completed');
  // The service has rows that name them when it starts.
  const calls = ({ accountId, userId }: Principal) => ({ accountId, owner: userId, kind: 'call', count: 3 });
  late = await Peer.start(identity, 'messaging', [one, two, three, stranger].map(calls));
  await settled('messaging');
});
afterAll(async () => {
  await late?.stop();
  await departures?.stop();
});

describe('a service that is onboarded later', () => {
  it.each(['deactivated', 'deleted'] as const)('applies its rules to users who were %s before', async (how) => {
    const { who, departure } = gone[how];
    const again = await departures.until(owner, departure, 'completed');
    expect(again.services.map(({ service, status }) => [service, status])).toEqual([
      ['identity', 'completed'],
      ['messaging', 'completed'],
      ['telephony', 'completed'],
    ]);
    expect(affectedBy(again)).toMatchObject({ 'messaging.calls deactivated': 3 });
    expect(again.services[1]!.rules.map((rule) => rule.remaining)).toEqual(again.services[1]!.rules.map(() => 0));
    expect(await late.owned(who.userId, 'call')).toBe(0);
  });

  it('does not change rows of reactivated and other users', async () => {
    expect(await late.owned(gone.back.who.userId, 'call')).toBe(3);
    expect(await late.owned(stranger.userId, 'call')).toBe(3);
    expect((await departures.get(owner, gone.back.departure.id)).services).toHaveLength(2);
  });

  it('does not make other services run again', async () => {
    const { departure } = gone.deactivated;
    const after = await departures.until(owner, departure, 'completed');
    const lines = ({ services }: Departure) => services.filter(({ service }) => service !== 'messaging');
    expect(lines(after)).toEqual(lines(departure));
  });

  it('does not tell again by mail that they are complete', async () => {
    const { departure } = gone.deactivated;
    await departures.until(owner, departure, 'completed');
    const mails = await identity.query(
      sql<{ round: number }>`
        select round from departure_mail where departure_id = ${departure.id} and kind = 'departure-completed'`,
    );
    expect(mails).toEqual([{ round: 0 }]);
  });

  it('is in the certificate of a deletion and in the audit trail', async () => {
    const { departure } = gone.deleted;
    await departures.until(owner, departure, 'completed');
    const { payload } = await identity.call(departuresCertificate, { principal: owner, params: { id: departure.id } });
    expect(payload.services.map(({ service }) => service)).toContain('messaging');
    const { items } = await identity.call(auditList, { principal: owner, query: { action: 'departure.reopened' } });
    expect(items).toHaveLength(2);
    const about = items.find((entry) => entry.subject?.id === gone.deactivated.who.userId);
    expect(about).toMatchObject({
      system: 'system (departure)',
      detail: { departureId: gone.deactivated.departure.id, service: 'messaging' },
    });
  });

  it('leaves no findings for a verification', async () => {
    for (const { departure } of [gone.deactivated, gone.deleted]) await departures.until(owner, departure, 'completed');
    const { id } = await identity.call(departuresVerify, { principal: owner });
    await eventually(async () => {
      const result = await identity.call(verificationsGet, { principal: owner, params: { id } });
      expect(result).toMatchObject({ status: 'completed', checked: 2, broken: [] });
    });
  });

  it('reopens departures only once, not again after a restart', async () => {
    const rounds = () =>
      identity.query(
        sql<{ round: number }>`select round from departure where account_id = ${owner.accountId} order by id`,
      );
    const before = await rounds();
    await late.pause();
    await late.start();
    await settled('messaging');
    const elsewhere = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
    const leaver = await identity.aPerson(elsewhere);
    await late.give(elsewhere.accountId, leaver.userId, 'call', 2);
    const departure = await departures.deactivate(elsewhere, leaver.userId);
    expect(affectedBy(await departures.until(elsewhere, departure, 'completed'))).toMatchObject({
      'messaging.calls deactivated': 2,
    });
    expect(await rounds()).toEqual(before);
  });
});

describe('a service without rules', () => {
  const SERVICE = 'automations';
  const declare = async (rules: RuleDescription[]) => {
    await identity.client.ask(declareRulesOf(SERVICE), { service: SERVICE, rules });
    await identity.client.ask(declareRulesOf(SERVICE), { service: SERVICE, rules, acquainted: true });
    await settled(SERVICE);
  };
  const servicesOf = ({ services }: Departure) => services.map(({ service }) => service);
  let after: Departure;

  it('neither reopens departures nor takes part in later ones, and still gets their events', async () => {
    const { departure } = gone.deactivated;
    await departures.until(owner, departure, 'completed');
    await declare([]);
    expect(servicesOf(await departures.until(owner, departure, 'completed'))).not.toContain(SERVICE);
    const { userId } = await identity.aPerson(owner);
    after = await departures.until(owner, await departures.delete(owner, userId), 'completed');
    expect(servicesOf(after)).toEqual(['identity', 'messaging', 'telephony']);
    const waiting = await identity.query(
      sql<{ waiting: string[] }>`
        select o.waiting from outbox o join departure d on d.user_id = o.user_id and d.seq = o.seq where d.id = ${after.id}`,
    );
    expect(waiting).toEqual([{ waiting: [SERVICE] }]);
  });

  it('gets the earlier departures when it declares its first rules', async () => {
    const unassign = { allowed: ['unassign'] as const, default: { action: 'unassign' as const }, presets: {} };
    const rule = { id: `${SERVICE}.runs`, service: SERVICE, label: 'Runs', position: 0, fixed: false };
    await declare([{ ...rule, transitions: { deactivated: unassign } }]);
    for (const departure of [gone.deactivated.departure, after]) {
      const reopened = await departures.get(owner, departure.id);
      expect(reopened.services).toContainEqual(expect.objectContaining({ service: SERVICE, status: 'pending' }));
    }
  });
});
