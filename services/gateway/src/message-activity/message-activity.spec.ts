import { activityLines, Problem, recordAccess } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { anId, bearer, bodyOf, World } from '../../test/world.js';

let world: World;
let recorded: unknown[];
beforeAll(async () => {
  world = await World.create();
  recorded = world.services.answer(recordAccess, () => ({}));
});
afterAll(() => world.close());

const path = '/v1/reports/message-activity/export';
const download = async (query = '', roles: ('admin' | 'agent')[] = ['admin'], accountId = anId()) =>
  world.request('GET', `${path}${query}`, { headers: bearer(await world.token({ roles, accountId })) });

describe('the export of the message activity', () => {
  it('is one file of all pages', async () => {
    const pages = [
      { lines: 'heading\r\none\r\n', next: anId() },
      { lines: 'two\r\n', next: anId() },
      { lines: 'three\r\n', next: null },
    ];
    const asked = world.services.answer(activityLines, ({ after }) => {
      return pages[after ? pages.findIndex(({ next }) => next === after) + 1 : 0]!;
    });
    const accountId = anId();
    const answer = await download('?from=2026-01-01T00:00:00Z', ['admin'], accountId);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(await answer.text()).toBe('heading\r\none\r\ntwo\r\nthree\r\n');
    const filter = { from: '2026-01-01T00:00:00Z' };
    const exported = { action: 'message-activity.exported', accountId, actorId: expect.any(String) };
    expect(recorded).toContainEqual({ accesses: [exported] });
    expect(asked).toEqual([null, pages[0]!.next, pages[1]!.next].map((after) => ({ accountId, filter, after })));
  });

  it('breaks off when the person leaves, and makes room', async () => {
    const [userId, accountId] = [anId(), anId()];
    const next = anId();
    let asked = 0;
    world.services.answer(activityLines, ({ after }) => {
      asked++;
      return after === null ? { lines: 'heading\r\n', next } : new Promise<never>(() => undefined);
    });
    const url = await world.addGateway({ EXPORTS_PER_PERSON: '1' });
    const headers = bearer(await world.token({ userId, accountId }));
    const answer = await fetch(`${url}${path}`, { headers });
    await eventually(() => expect(asked).toBe(2));
    expect((await fetch(`${url}${path}`, { headers })).status).toBe(429);
    const file = answer.text();
    world.feed.publish({ epochs: [{ userId, epoch: 2 }] });
    await expect(file).rejects.toThrow();
    world.services.answer(activityLines, () => ({ lines: 'all\r\n', next: null }));
    const again = bearer(await world.token({ userId, accountId, epoch: 2 }));
    await eventually(async () => expect((await fetch(`${url}${path}`, { headers: again })).status).toBe(200));
  });

  it('is allowed for owners and admins only', async () => {
    expect((await download('', ['agent'])).status).toBe(403);
  });

  it('is refused for an invalid filter', async () => {
    const answer = await download('?from=yesterday');
    expect([answer.status, (await bodyOf(answer)).code]).toEqual([400, 'validation']);
  });

  it('is an ordinary problem response when the service does not answer', async () => {
    world.services.answer(activityLines, () => {
      throw new Problem('service-unavailable', { service: 'messaging' });
    });
    expect((await download()).status).toBe(503);
  });
});
