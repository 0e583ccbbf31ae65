import { bulkDeparturesGet, departuresBulk, type BulkDeparture, type Call } from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { anId, bodyOf, World } from '../../test/world.js';

let world: World;
let calls: Call[];
let id: string;
beforeAll(async () => {
  world = await World.create({ env: { JSON_LIMIT_BYTES: '700000' } });
});
afterAll(() => world.close());
beforeEach(() => {
  id = anId();
  calls = world.services.handle(departuresBulk, () => ({ id }));
});

const upload = (body: string | Uint8Array<ArrayBuffer>, query = '?transition=deleted', headers = {}) =>
  world.request('POST', `/v1/departures/bulk${query}`, { body, headers: { 'content-type': 'text/csv', ...headers } });
const startWith = (json: unknown) => world.request('POST', '/v1/departures/bulk', { json });

it('a bulk departure of users by id is accepted as JSON', async () => {
  const users = [{ userId: anId(), successors: { default: anId() } }, { userId: anId() }];
  const answer = await startWith({ transition: 'deactivated', users, reason: 'Site closed' });
  expect([answer.status, answer.headers.get('location')]).toEqual([202, `/v1/departures/bulk/${id}`]);
  expect(await bodyOf(answer)).toEqual({ id });
  expect(calls).toEqual([
    expect.objectContaining({ body: { transition: 'deactivated', users, reason: 'Site closed' } }),
  ]);
});

it('ten thousand users are accepted, one more is refused', async () => {
  const users = Array.from({ length: 10_000 }, () => ({ userId: anId() }));
  expect((await startWith({ transition: 'deleted', users })).status).toBe(202);
  const answer = await startWith({ transition: 'deleted', users: [...users, users[0]] });
  expect([answer.status, (await bodyOf(answer)).code]).toEqual([400, 'validation']);
});

it('a file of staff ids is passed on unparsed', async () => {
  const csv = '\uFEFFstaffId,successorStaffId\r\nS1,"S,2"\r\nŠ3,\r\n';
  const answer = await upload(csv);
  expect([answer.status, answer.headers.get('location')]).toEqual([202, `/v1/departures/bulk/${id}`]);
  expect(calls).toEqual([expect.objectContaining({ query: { transition: 'deleted' }, body: { csv: csv.slice(1) } })]);
});

it('the same key with another file or transition has another digest', async () => {
  const key = { 'idempotency-key': 'monday' };
  await upload('staffId\n1\n', '?transition=deleted', key);
  await upload('staffId\n1\n', '?transition=deleted', key);
  await upload('staffId\n2\n', '?transition=deleted', key);
  await upload('staffId\n1\n', '?transition=deactivated', key);
  const digests = calls.map((call) => call.idempotency!.digest);
  expect(digests[0]).toBe(digests[1]);
  expect(new Set(digests).size).toBe(3);
});

it('a file is refused if it is not text, too large, or for an unknown transition', async () => {
  const answers = [
    await upload(new Uint8Array([0x73, 0xff, 0xfe])),
    await upload('x'.repeat(700_001)),
    await upload('\n'.repeat(400_000)),
    await upload('staffId\n1\n', '?transition=fired'),
    await upload('staffId\n1\n', '', { 'content-type': 'text/plain' }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([400, 413, 413, 400, 415]);
  expect(calls).toEqual([]);
});

it('only owners and admins may start a bulk departure', async () => {
  const headers = { authorization: `Bearer ${await world.token({ roles: ['agent'] })}` };
  expect((await upload('staffId\n1\n', '?transition=deleted', headers)).status).toBe(403);
});

it('the result can be read by id', async () => {
  const counts = { total: 0, waiting: 0, accepted: 0, refused: 0, completed: 0, failed: 0 };
  const bulk: BulkDeparture = {
    id,
    status: 'completed',
    transition: 'deleted',
    requestedAt: '2026-01-01T00:00:00.000Z',
    counts,
    rows: [],
    nextCursor: null,
  };
  world.services.handle(bulkDeparturesGet, () => bulk);
  expect(await bodyOf(await world.request('GET', `/v1/departures/bulk/${id}?limit=2000&status=refused`))).toEqual(bulk);
});
