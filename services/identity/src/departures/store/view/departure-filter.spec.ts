import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  departuresList,
  type Departure,
  type DepartureQuery,
  type DepartureSummary,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../../testing/identity.js';

const DAY = 86_400_000;

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let admin: Principal;
/** By the first name of the user. Bo and Émile leave in some days; a rule has failed for Cy; Di is deleted. */
const of: Record<string, Departure> = {};
let afterAmelie: string;

beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
  owner = ownerOf(await identity.anAccount({ preset: 'texting' }));
  admin = await identity.aPerson(owner, { roles: ['admin'] });
  const called = (name: string) => identity.aPerson(owner, { name });
  const inDays = (n: number) => new Date(identity.clock.millis() + n * DAY).toISOString();
  of.Amelie = await departures.deactivate(owner, (await called('Amelie Stone')).userId);
  identity.clock.advance(1_000);
  afterAmelie = identity.clock.now().toISOString();
  of.Bo = await departures.deactivate(admin, (await called('Bo Straße')).userId, { effectiveAt: inDays(20) });
  const cy = await called('Cy Stuck');
  await departures.peer.give(owner.accountId, cy.userId, 'stuck');
  of.Cy = await departures.deactivate(owner, cy.userId);
  of.Di = await departures.delete(owner, (await called('Di Gone')).userId);
  of.Emile = await departures.deactivate(owner, (await called('Émile Later')).userId, { effectiveAt: inDays(10) });
  for (const done of ['Amelie', 'Di']) await departures.until(owner, of[done]!, 'completed');
  await eventually(async () => expect(await found({ failedRule: 'telephony.calls' })).toEqual(['Cy']));
});
afterAll(() => departures.stop());

const list = (query: DepartureQuery, principal = owner) => identity.call(departuresList, { principal, query });
const namesOf = (items: readonly DepartureSummary[]) =>
  items.map((item) => Object.keys(of).find((name) => of[name]!.id === item.id));
const found = async (query: DepartureQuery) => namesOf((await list(query)).items);

describe('departures', () => {
  it.each<[string, DepartureQuery, string[]]>([
    ['all, newest first', {}, ['Emile', 'Di', 'Cy', 'Bo', 'Amelie']],
    ['of a transition', { transition: 'deleted' }, ['Di']],
    ['of a status', { status: 'scheduled' }, ['Emile', 'Bo']],
    ['of people with a text in their name, whatever its case', { q: 'STRASSE' }, ['Bo']],
    ['of nobody by the former name of a deleted user', { q: 'Gone' }, []],
    ['in which a service takes part', { service: 'telephony' }, ['Di', 'Cy', 'Amelie']],
    ['in which a service has finished', { service: 'telephony', serviceStatus: 'completed' }, ['Di', 'Amelie']],
    ['in which any service has not finished', { serviceStatus: 'running' }, ['Cy']],
    ['in which a service does not take part', { service: 'messaging' }, []],
    ['of a failed rule', { failedRule: 'telephony.calls' }, ['Cy']],
    ['of a rule that has not failed', { failedRule: 'telephony.records' }, []],
    ['of a requester', { transition: 'deactivated', status: 'scheduled', q: 'bo' }, ['Bo']],
  ])('%s', async (_what, query, names) => {
    expect(await found(query)).toEqual(names);
  });

  it('can be filtered by who has requested them, and when', async () => {
    expect(await found({ requestedBy: admin.userId })).toEqual(['Bo']);
    expect(await found({ to: afterAmelie })).toEqual(['Amelie']);
    expect(await found({ from: afterAmelie })).toEqual(['Emile', 'Di', 'Cy', 'Bo']);
  });

  it.each<[NonNullable<DepartureQuery['sort']>, string[]]>([
    ['-requestedAt', ['Emile', 'Di', 'Cy', 'Bo', 'Amelie']],
    ['requestedAt', ['Amelie', 'Bo', 'Cy', 'Di', 'Emile']],
    ['effectiveAt', ['Amelie', 'Cy', 'Di', 'Emile', 'Bo']],
    ['-effectiveAt', ['Bo', 'Emile', 'Di', 'Cy', 'Amelie']],
  ])('are sorted by %s, on pages of any size', async (sort, names) => {
    for (const limit of [1, 2, 5]) {
      const all: DepartureSummary[] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ sort, limit, ...(cursor && { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        all.push(...page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      expect(namesOf(all)).toEqual(names);
    }
  });

  it('refuse the cursor of another order, and one that was made up', async () => {
    const { nextCursor } = await list({ limit: 1 });
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const id = of.Bo!.id;
    const wrong = [
      nextCursor!,
      encoded([id]),
      encoded([id, '2026-01-01']),
      encoded([id, 1e17]),
      encoded(['x', 1]),
      encoded({}),
    ];
    for (const cursor of wrong)
      expect([cursor, await outcomeOf(list({ sort: 'effectiveAt', cursor }))]).toEqual([cursor, 'invalid-cursor']);
  });

  it('of another account are not listed', async () => {
    const stranger = ownerOf(await identity.anAccount());
    expect((await list({ q: 'Amelie' }, stranger)).items).toEqual([]);
    expect((await list({ userId: of.Bo!.userId, sort: 'effectiveAt' }, stranger)).items).toEqual([]);
  });
});
