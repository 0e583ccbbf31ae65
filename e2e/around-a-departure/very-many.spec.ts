import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { performance } from 'node:perf_hooks';
import { eventually } from '#libs/test-kit';
import type { Json } from '../support/api.js';
import { anAccount, type Cast } from '../support/cast.js';
import { over, type Departure } from '../support/departures.js';
import { PARTICIPANTS } from '../support/foundation.js';
import { System } from '../support/system.js';
import { countOf, pastTheRules } from './past-the-rules.js';

/** A full-size run takes minutes: `LEAVER_E2E_ROWS=1000000 LEAVER_E2E_PEOPLE=10000`. */
const ROWS = Number(process.env.LEAVER_E2E_ROWS ?? 200_000);
const PEOPLE = Number(process.env.LEAVER_E2E_PEOPLE ?? 200);
const LONG_WAIT = { timeout: 600_000, interval: 500 };

interface Bulk extends Json {
  status: string;
  planToken?: string;
  items?: { row: number; possible: boolean; blockers: { code: string }[] }[];
  counts: Record<string, number>;
  rows: { row: number; userId: string | null; status: string; code?: string; departureId?: string }[];
  nextCursor: string | null;
}

let system: System;
let cast: Cast;
beforeAll(async () => {
  system = await System.start();
}, 60_000);
beforeEach(async () => {
  cast = await anAccount(system, 'helpdesk');
});
afterAll(() => system?.stop());

const owner = () => cast.owner.api;
const accountId = async () => (await owner().get<{ id: string }>('/v1/account')).id;
/** Prints durations in a full-size run. */
const print = (text: string) => void (process.env.LEAVER_E2E_ROWS && process.stdout.write(`${text}\n`));

it(`a bulk request for ${PEOPLE.toLocaleString('en')} users completes, with refused rows among them`, async () => {
  const account = await accountId();
  await owner().patch('/v1/account', { seats: PEOPLE + 100 });
  const team = await pastTheRules(system, 'identity', async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `insert into users (id, account_id, staff_id, name, email, status, seat_taken, created_at, updated_at)
      select uuidv7(), $1, 'B-' || n, 'Bulk ' || n, 'bulk-' || n || '@many.example', 'active', true, now(), now()
      from generate_series(1, $2::int) n returning id`,
      [account, PEOPLE],
    );
    const ids = rows.map((row) => row.id);
    const roles = `insert into user_role (id, user_id, role) select uuidv7(), id, 'agent' from unnest($1::uuid[]) id`;
    await client.query(roles, [ids]);
    return ids;
  });
  const staffIds = team.map((_, index) => `B-${index + 1}`);
  const odd = [cast.owner.staffId, 'Nobody has this', staffIds[0]!, staffIds[1]!];
  const rows = [...staffIds.slice(0, 2), ...odd, ...staffIds.slice(2, PEOPLE - odd.length)];
  const path = '/v1/departures/bulk';
  const csv = ['staffId', ...rows.map((staffId) => `"${staffId}"`)].join('\n');
  const until = (id: string) =>
    eventually(async () => {
      const report = await owner().get<Bulk>(`${path}/${id}?limit=1`);
      if (report.status !== 'completed') throw new Error(JSON.stringify(report.counts));
      return report;
    }, LONG_WAIT);
  const good = rows.length - odd.length;
  const before = performance.now();
  const dryRun = await owner().upload<{ id: string }>(`${path}?transition=deactivated&dryRun=true`, csv);
  const planned = await until(dryRun.id);
  print(`${rows.length} rows: dry run in ${(performance.now() - before).toFixed(0)} ms`);
  expect(planned.counts).toMatchObject({ total: rows.length, waiting: 0, accepted: good, refused: 4 });
  const impossible = await owner().get<Bulk>(`${path}/${dryRun.id}?possible=false`);
  expect(impossible.items!.map(({ row, blockers }) => [row, blockers[0]!.code])).toEqual([
    [3, 'sole-owner'],
    [4, 'unknown-user'],
    [5, 'conflict'],
    [6, 'conflict'],
  ]);
  const started = performance.now();
  const query = new URLSearchParams({ transition: 'deactivated', planToken: planned.planToken! });
  const { id } = await owner().upload<{ id: string }>(`${path}?${query}`, csv);
  const answered = performance.now();
  const bulk = await until(id);
  const took = performance.now() - started;
  expect(bulk.counts).toEqual({
    total: rows.length,
    waiting: 0,
    accepted: good,
    refused: 4,
    completed: good,
    failed: 0,
  });
  const refused = await owner().get<Bulk>(`${path}/${id}?status=refused`);
  expect(refused.rows.map(({ row, userId, code }) => [row, userId, code])).toEqual([
    [3, cast.owner.id, 'sole-owner'],
    [4, null, 'unknown-user'],
    [5, team[0], 'conflict'],
    [6, team[1], 'conflict'],
  ]);
  expect(await owner().get(`/v1/users/${cast.owner.id}`)).toMatchObject({ status: 'active' });
  const gone = `select count(*) from users where account_id = $1 and status = 'deactivated'`;
  expect(await countOf(system, 'identity', gone, [account])).toBe(good);
  const each = 'select count(*) from departure where account_id = $1';
  expect(await countOf(system, 'identity', each, [account])).toBe(good);
  const { departureId } = bulk.rows.find(({ row }) => row === 1)!;
  expect(await owner().get(`/v1/departures/${departureId}`)).toMatchObject({
    ...{ userId: team[0], status: 'completed', progress: { done: PARTICIPANTS.length, total: PARTICIPANTS.length } },
  });
  print(
    `${rows.length} rows: answered in ${(answered - started).toFixed(0)} ms, all complete in ${took.toFixed(0)} ms`,
  );
}, 900_000);

it(`a reactivation stops the departure of a user with ${ROWS.toLocaleString('en')} rows within a chunk`, async () => {
  const { ada } = cast;
  const account = await accountId();
  await pastTheRules(system, 'contacts', async (client) => {
    await client.query(
      `insert into contact (id, account_id, external_id, name, assignee, created_at)
      select uuidv7(), $1, 'X-' || n, 'Contact ' || n, $2, now() from generate_series(1, $3::int) n`,
      [account, ada.id, ROWS],
    );
    await client.query('analyze contact');
  });
  const left = () => countOf(system, 'contacts', 'select count(*) from contact where assignee = $1', [ada.id]);
  const body = { overrides: { 'contacts.assignments': 'unassign' } };
  const departure = await owner().post<Departure>(`/v1/users/${ada.id}/deactivate`, body);
  const affected = async () => {
    const { services } = await owner().get<Departure>(`/v1/departures/${departure.id}`);
    const rules = services.find(({ service }) => service === 'contacts')!.rules;
    return rules.find(({ rule }) => rule === 'contacts.assignments')?.affected ?? 0;
  };
  // The departure has changed some rows and is far from its end.
  await eventually(async () => expect(await affected()).toBeGreaterThanOrEqual(10_000), { ...LONG_WAIT, interval: 50 });
  const asked = performance.now();
  const back = await owner().post<Departure>(`/v1/users/${ada.id}/reactivate`);
  const atDecision = await left();
  expect((await over(owner(), back, LONG_WAIT.timeout)).status).toBe('completed');
  const took = performance.now() - asked;
  const after = await left();
  expect(after).toBeGreaterThan(0);
  expect(after).toBeLessThan(ROWS);
  // Contacts may finish the current chunk and one that starts before the event arrives.
  expect(atDecision - after).toBeLessThanOrEqual(2 * 20_000);
  const waiting = 'select count(*) from task where user_id = $1';
  expect(await countOf(system, 'contacts', waiting, [ada.id])).toBe(0);
  expect(await owner().get(`/v1/departures/${departure.id}`)).toMatchObject({ status: 'superseded' });
  // The task worker has run since then, because another departure has completed.
  await over(owner(), await owner().post<Departure>(`/v1/users/${cast.dan.id}/deactivate`));
  expect(await left()).toBe(after);
  print(
    `reactivated in ${took.toFixed(0)} ms; ${atDecision - after} rows changed after the decision, ${after} left alone`,
  );
}, 900_000);
