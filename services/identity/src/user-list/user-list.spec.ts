import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  departuresList,
  usersCount,
  usersList,
  type ListedUser,
  type Principal,
  type UserQuery,
} from '#libs/contracts';
import { TestDepartures } from '../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../testing/identity.js';

const DAY = 86_400_000;

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
/** By first name. Ann and Bo leave later, Cy and Di have left, Di is deleted; Cy and Ed hold rows. */
const people: Record<string, Principal> = {};

beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
  owner = ownerOf(await identity.anAccount({ preset: 'texting', owner: { name: 'Olive' } }));
  for (const name of ['Cy', 'Ann', 'di', 'Bo', 'Ed']) people[name] = await identity.aPerson(owner, { name });
  const { accountId } = owner;
  const inDays = (n: number) => new Date(identity.clock.millis() + n * DAY).toISOString();
  await departures.deactivate(owner, people.Ann!.userId, { effectiveAt: inDays(20) });
  await departures.deactivate(owner, people.Bo!.userId, { effectiveAt: inDays(3), returnAt: inDays(5) });
  await departures.peer.give(accountId, people.Cy!.userId, 'record', 3);
  await departures.peer.give(accountId, people.Cy!.userId, 'call', 2);
  await departures.peer.give(accountId, people.Ed!.userId, 'record', 1);
  const left = [
    await departures.deactivate(owner, people.Cy!.userId),
    await departures.delete(owner, people.di!.userId),
    await departures.deactivate(owner, people.Ed!.userId),
  ];
  for (const one of left) await departures.until(owner, one, 'completed');
});
afterAll(() => departures.stop());

const list = (query: UserQuery, principal = owner) => identity.call(usersList, { principal, query });
const nameOf = ({ id }: ListedUser) => Object.keys(people).find((name) => people[name]!.userId === id) ?? 'Olive';
const found = async (query: UserQuery) => (await list(query)).items.map(nameOf);

async function onPages(query: UserQuery, limit: number): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ ...query, limit, ...(cursor && { cursor }) });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    names.push(...page.items.map(nameOf));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  return names;
}

describe('users', () => {
  it.each<[string, UserQuery, string[]]>([
    ['who are active, newest first', {}, ['Bo', 'Ann', 'Olive']],
    ['who are not invited', { invited: false }, ['Bo', 'Ann', 'Olive']],
    ['who are invited', { invited: true }, []],
    ['by name', { status: 'all', sort: 'name' }, ['Ann', 'Bo', 'Cy', 'Ed', 'Olive', 'di']],
    ['by name, backwards', { status: 'all', sort: '-name' }, ['di', 'Olive', 'Ed', 'Cy', 'Bo', 'Ann']],
    ['by status', { status: 'all', sort: 'status' }, ['Olive', 'Ann', 'Bo', 'Cy', 'Ed', 'di']],
    ['who leave within a month', { leavingWithin: '30d', sort: 'day' }, ['Bo', 'Ann']],
    ['who leave within a month, the last first', { leavingWithin: '30d', sort: '-day' }, ['Ann', 'Bo']],
    ['who leave within a week', { leavingWithin: '7d' }, ['Bo']],
    ['who leave within a week, of others', { leavingWithin: '7d', q: 'ann' }, []],
    ['who have left', { left: true, sort: 'day' }, ['Cy', 'di', 'Ed']],
    ['who have left, of one status', { left: true, status: 'deleted' }, ['di']],
    ['who have not left', { left: false, status: 'all' }, ['Bo', 'Ann', 'Olive']],
    ['who have left and hold rows', { left: true, holds: true, sort: 'name' }, ['Cy', 'Ed']],
    ['who have left and hold rows, newest first', { left: true, holds: true }, ['Ed', 'Cy']],
  ])('%s', async (_what, query, names) => {
    expect(await found(query)).toEqual(names);
    for (const limit of [1, 2]) expect(await onPages(query, limit)).toEqual(names);
  });

  it('who are leaving are shown with the next departure', async () => {
    const { items } = await list({ leavingWithin: '7d' });
    const leaving = { departureId: expect.any(String), transition: 'deactivated', effectiveAt: expect.any(String) };
    expect(items).toMatchObject([{ status: 'active', leaving }]);
    expect((await list({})).items.filter((item) => item.leaving)).toEqual([]);
  });

  it('are counted by status, together with the departures that have not begun', async () => {
    expect(await identity.call(usersCount, { principal: owner })).toEqual({
      active: 3,
      invited: 0,
      leaving: 2,
      deactivated: 2,
      deleted: 1,
    });
  });

  it('are named in the list of departures, with who has requested it', async () => {
    const { items } = await identity.call(departuresList, { principal: owner, query: { status: 'scheduled' } });
    const requester = { id: owner.userId, name: 'Olive', status: 'active' };
    expect(items).toMatchObject([
      { user: { id: people.Bo!.userId, name: expect.stringContaining('Bo'), status: 'active' }, requester },
      { user: { id: people.Ann!.userId }, requester },
    ]);
    const deleted = await identity.call(departuresList, { principal: owner, query: { transition: 'deleted' } });
    expect(deleted.items).toMatchObject([{ user: { name: 'Deleted user', status: 'deleted' } }]);
  });

  it('who hold rows are shown with their number by service, counted during the request', async () => {
    const { items, uncounted } = await list({ left: true, holds: true, q: 'Cy' });
    const services = [{ service: 'telephony', rows: 3 }];
    expect(items).toMatchObject([{ holding: { rows: 3, services, countedAt: expect.any(String) } }]);
    expect(uncounted).toBeUndefined();
    await departures.peer.give(owner.accountId, people.Cy!.userId, 'call', 1);
    expect((await list({ left: true, holds: true, q: 'Cy' })).items[0]!.holding!.rows).toBe(4);
  });

  it('who hold rows are asked for with one question for each service and page, which names the silent ones', async () => {
    await departures.peer.pause();
    expect(await list({ left: true, holds: true })).toEqual({
      items: [],
      nextCursor: null,
      uncounted: [{ service: 'telephony', reason: expect.any(String) }],
    });
    await departures.peer.start();
  });

  it('are filtered only by managers by what only they see, and only together with what it needs', async () => {
    for (const query of [{ leavingWithin: '7d' }, { left: true, holds: true }, { suspended: true }])
      expect(await outcomeOf(list(query, people.Bo))).toBe('forbidden');
    expect(await outcomeOf(list({ holds: true }))).toBe('validation');
    expect(await outcomeOf(list({ sort: 'day' }))).toBe('validation');
    expect(await outcomeOf(list({ left: true, sort: 'name' }, people.Bo))).toBe('ok');
    const { nextCursor } = await list({ limit: 1 });
    expect(await outcomeOf(list({ sort: 'name', cursor: nextCursor! }))).toBe('invalid-cursor');
  });
});
