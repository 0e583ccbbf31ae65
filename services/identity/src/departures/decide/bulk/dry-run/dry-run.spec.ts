import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  bulkDeparturesGet,
  departuresBulk,
  departuresBulkPlanned,
  Problem,
  type BulkDeparture,
  type BulkQuery,
  type BulkRequest,
  type BulkRowQuery,
  type LeavingTransition,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { ServiceClient } from '#libs/broker';
import { TestDepartures } from '../../../../testing/departures.js';
import { outcomeOf, ownerOf, TestIdentity } from '../../../../testing/identity.js';
import { DryRunExpiryWorker } from './dry-run-expiry.worker.js';
import { DryRunWorker } from './dry-run.worker.js';

const NOBODY_ID = '01890000-0000-7000-8000-000000000000';
const planned = departuresBulkPlanned();

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'calls', seats: 20_000 }));
});
afterAll(() => departures.stop());

type Wanted = Partial<BulkRequest> & Pick<BulkRequest, 'users'>;
const people = (count: number) => Promise.all(Array.from({ length: count }, () => identity.aPerson(owner)));
const named = (some: readonly { userId: string }[]) => some.map(({ userId }) => ({ userId }));
const post = (body: Wanted, query: BulkQuery = {}, principal = owner) =>
  identity.call(planned, { principal, query, body: { transition: 'deleted', ...body } });
const get = (id: string, query: BulkRowQuery = {}, principal = owner) =>
  identity.call(bulkDeparturesGet, { principal, params: { id }, query });
const over = ({ id }: { id: string }): Promise<BulkDeparture> =>
  eventually(async () => {
    const found = await get(id);
    if (found.status !== 'completed') throw new Error(JSON.stringify(found.counts));
    return found;
  });
const dryRun = async (body: Wanted, principal = owner) => over(await post(body, { dryRun: true }, principal));
const codes = ({ items }: BulkDeparture) =>
  items!.map(({ blockers }) => blockers.map(({ code }) => code).join() || 'ok');
const staffIdOf = async ({ userId }: Principal) =>
  (await identity.query(sql<{ staff_id: string }>`select staff_id from users where id = ${userId}`))[0]!.staff_id;
const departuresOf = () => identity.query(sql`select from departure where account_id = ${owner.accountId}`);

/** People who own different rows: nothing, calls, a number that blocks a deletion, and a legal hold. */
async function variousPeople() {
  const some = await people(5);
  const [, calls, numbers, held, gone] = some.map(({ userId }) => userId);
  const { peer } = departures;
  await peer.give(owner.accountId, calls!, 'call', 3);
  await peer.give(owner.accountId, calls!, 'record', 2);
  await peer.give(owner.accountId, numbers!, 'number', 7);
  await peer.give(owner.accountId, held!, 'record', 1);
  await peer.give(owner.accountId, gone!, 'call', 1);
  await identity.query(sql`update users set legal_hold_at = now() where id = ${held!}`);
  await departures.until(owner, await departures.deactivate(owner, gone!), 'completed');
  return some;
}

describe('a dry run', () => {
  it.each<LeavingTransition>(['deactivated', 'deleted'])(
    'of %s shows for each row what a preview shows, and changes nothing',
    async (transition) => {
      const some = await variousPeople();
      const before = (await departuresOf()).length;
      const result = await dryRun({ transition, users: named(some) });
      expect(result).toMatchObject({ dryRun: true, transition, rows: [], nextCursor: null });
      const totals = new Map<string, number>();
      for (const [index, { userId }] of some.entries()) {
        const preview = await departures.previewOf(owner, userId, { transition });
        const { possible } = preview;
        const changed = preview.rules.filter(({ action }) => action !== 'keep' && action !== 'block');
        const blockers = preview.blockers.map((blocker) => ({ ...blocker, items: blocker.items.slice(0, 5) }));
        const count = changed.reduce((sum, rule) => sum + rule.count, 0);
        expect(result.items![index]).toEqual({ row: index + 1, userId, possible, blockers, count });
        for (const rule of preview.rules) {
          const key = [rule.rule, rule.part, rule.transition, rule.action].join(' ');
          if (possible && rule.count > 0) totals.set(key, (totals.get(key) ?? 0) + rule.count);
        }
      }
      const shown = result.totals!.map((total): [string, number] => [
        [total.rule, total.part, total.transition, total.action].join(' '),
        total.count,
      ]);
      expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(totals));
      expect((await departuresOf()).length).toBe(before);
    },
  );

  it('refuses the rows that a bulk departure refuses, for the same reasons', async () => {
    const [good, gone, heir] = await people(3);
    await departures.deactivate(owner, gone!.userId);
    const second = await identity.aPerson(owner, { roles: ['owner'] });
    const stranger = ownerOf(await identity.anAccount());
    const users = [
      ...named([good!, gone!, good!, stranger, { ...owner, userId: NOBODY_ID }, second, owner]),
      { userId: heir!.userId, successors: { default: good!.userId } },
    ];
    const shown = await dryRun({ transition: 'deactivated', users });
    const body = { transition: 'deactivated' as const, users };
    const { id } = await identity.call(departuresBulk, { principal: owner, body });
    const done = await eventually(async () => {
      const bulk = await get(id);
      if (bulk.status !== 'completed') throw new Error(JSON.stringify(bulk.counts));
      return bulk;
    });
    expect(codes(shown)).toEqual(done.rows.map((row) => row.code ?? 'ok'));
    expect(shown.counts).toMatchObject({
      total: 8,
      waiting: 0,
      accepted: done.counts.accepted,
      refused: done.counts.refused,
    });
  });

  it('takes a file, pages and filters its items, and is private to managers of the account', async () => {
    const some = await people(3);
    const staffIds = await Promise.all(some.map(staffIdOf));
    const csv = `staffId\n${staffIds.join('\n')}\nnobody\n`;
    const query = { transition: 'deleted' as const, dryRun: true };
    const started = await identity.call(planned, { principal: owner, query, body: { csv } });
    expect(codes(await over(started))).toEqual(['ok', 'ok', 'ok', 'unknown-user']);
    const first = await get(started.id, { limit: 3 });
    const second = await get(started.id, { limit: 3, cursor: first.nextCursor! });
    expect([...first.items!, ...second.items!].map(({ row }) => row)).toEqual([1, 2, 3, 4]);
    expect((await get(started.id, { possible: false })).items!.map(({ row }) => row)).toEqual([4]);
    expect(await outcomeOf(get(started.id, {}, ownerOf(await identity.anAccount())))).toBe('not-found');
    expect(await outcomeOf(post({ users: named(some) }, { dryRun: true }, some[0]))).toBe('forbidden');
  });

  it('forgets deleted people, and is deleted after 7 days', async () => {
    const [leaver, other] = await people(2);
    const { id } = await dryRun({ users: named([leaver!, other!]) });
    await departures.delete(owner, leaver!.userId);
    expect((await get(id)).items!.map(({ userId }) => userId)).toEqual([other!.userId]);
    identity.clock.advanceDays(7);
    expect(await outcomeOf(get(id))).toBe('not-found');
    identity.get(DryRunExpiryWorker).wake();
    await eventually(async () =>
      expect(await identity.query(sql`select from bulk_dry_run_row where dry_run_id = ${id}`)).toEqual([]),
    );
  });

  it('asks a service that does not know the question about many people for each of them', async () => {
    const some = await variousPeople();
    const expected = await dryRun({ users: named(some) });
    const client = identity.get(ServiceClient);
    const { ask } = client;
    client.ask = (asked, ...rest) =>
      asked.subject.endsWith('.previews')
        ? Promise.reject(new Problem('service-unavailable', { service: asked.service }))
        : (ask.call(client, asked as never, ...(rest as [never])) as never);
    try {
      const { items, totals } = await dryRun({ users: named(some) });
      expect({ items, totals }).toEqual({ items: expected.items, totals: expected.totals });
    } finally {
      client.ask = ask;
    }
  });

  it('continues after a crash, and counts each row once', async () => {
    const ids = await insertUsers(1_200);
    await departures.peer.give(owner.accountId, ids[700]!, 'record', 4);
    const { id } = await post({ users: ids.map((userId) => ({ userId })) }, { dryRun: true });
    const replica = await TestIdentity.replica(identity);
    try {
      const workers = [identity.get(DryRunWorker), replica.app.get(DryRunWorker, { strict: false })];
      while ((await get(id, { limit: 1 })).status === 'running') {
        await identity.query(sql`update bulk_dry_run set look_after = '-infinity' where id = ${id}`);
        await Promise.all(workers.map((worker) => worker.drain()));
      }
    } finally {
      await replica.close();
    }
    const { counts, totals } = await get(id);
    expect(counts).toMatchObject({ total: 1_200, waiting: 0, accepted: 1_200 });
    const records = totals!.filter(({ rule }) => rule === 'telephony.records');
    expect(records.map(({ transition, count }) => [transition, count])).toEqual([
      ['deactivated', 4],
      ['deleted', 4],
    ]);
  });
});

describe('a bulk departure with the plan token of a dry run', () => {
  it('carries out exactly the list', async () => {
    const some = await variousPeople();
    const { planToken, counts } = await dryRun({ users: named(some) });
    const { id } = await post({ users: named(some), planToken });
    const bulk = await over({ id });
    expect(bulk.dryRun).toBeUndefined();
    expect(bulk.counts).toMatchObject({ accepted: counts.accepted, refused: counts.refused });
    expect(await outcomeOf(post({ users: named(some), planToken }))).toBe('plan-stale');
  });

  it.each<[string, (some: readonly Principal[]) => Promise<unknown>]>([
    ['rows that would be destroyed', ([one]) => departures.peer.give(owner.accountId, one!.userId, 'record')],
    ['a person', ([one]) => identity.query(sql`update users set seq = seq + 1 where id = ${one!.userId}`)],
    ['what stands in the way', ([one]) => departures.peer.give(owner.accountId, one!.userId, 'number')],
    [
      'the policy',
      () => identity.query(sql`update account set policy_version = policy_version + 1 where id = ${owner.accountId}`),
    ],
  ])('is refused when %s changes, with the changes', async (_what, change) => {
    const some = await people(2);
    const overrides = { 'telephony.records': 'delete' as const };
    const { planToken } = await dryRun({ users: named(some), overrides });
    await change(some);
    const refused = await post({ users: named(some), overrides, planToken }).catch((error: Problem) => error);
    expect(refused).toMatchObject({ code: 'plan-stale', details: { changes: expect.any(Array) } });
    expect(await departuresOf()).toEqual([]);
  });

  it('shows what would be destroyed now', async () => {
    const [one] = await people(1);
    const overrides = { 'telephony.records': 'delete' as const };
    await departures.peer.give(owner.accountId, one!.userId, 'record', 2);
    const { planToken } = await dryRun({ users: named([one!]), overrides });
    await departures.peer.give(owner.accountId, one!.userId, 'record', 3);
    await expect(post({ users: named([one!]), overrides, planToken })).rejects.toMatchObject({
      details: {
        changes: [
          {
            rule: 'telephony.records',
            before: { action: 'delete', count: 2 },
            after: { action: 'delete', count: 5 },
          },
        ],
      },
    });
  });

  it('is refused for another list, another account, or the token of a preview', async () => {
    const some = await people(2);
    const { planToken } = await dryRun({ users: named(some) });
    const { planToken: ofPreview } = await departures.previewOf(owner, some[0]!.userId, { transition: 'deleted' });
    const other = ownerOf(await identity.anAccount());
    expect(await outcomeOf(post({ users: named([some[0]!]), planToken }))).toBe('plan-stale');
    expect(await outcomeOf(post({ users: named(some).reverse(), planToken }))).toBe('plan-stale');
    expect(await outcomeOf(post({ transition: 'deactivated', users: named(some), planToken }))).toBe('plan-stale');
    expect(await outcomeOf(post({ users: named(some), planToken }, {}, other))).toBe('plan-stale');
    expect(await outcomeOf(post({ users: named(some), planToken: ofPreview }))).toBe('plan-stale');
    expect(await outcomeOf(departures.delete(owner, some[0]!.userId, { planToken }))).toBe('plan-stale');
    expect(await departuresOf()).toEqual([]);
  });
});

/** Inserts users directly, because the API hashes passwords slowly. */
async function insertUsers(count: number): Promise<string[]> {
  await identity.query(sql`
    insert into users (id, account_id, name, email, staff_id, status, seat_taken, created_at, updated_at)
    select gen_random_uuid(), ${owner.accountId}, 'N' || n, n || '@many.example', 'M' || n, 'active', true, now(), now()
    from generate_series(1, ${count}) n`);
  const rows = await identity.query(sql<{ id: string }>`
    select id from users where account_id = ${owner.accountId} and name like 'N%' order by id`);
  return rows.map((row) => row.id);
}
