import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import {
  auditVerify,
  bulkDeparturesGet,
  departuresBulk,
  departuresList,
  type BulkDeparture,
  type BulkRequest,
  type BulkRowQuery,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, TestIdentity } from '../../../testing/identity.js';
import { GroupDecisions } from '../group/group-decisions.js';
import { ScheduleWorker } from '../schedule/schedule.worker.js';
import { BulkWorker } from './bulk.worker.js';

const NOBODY_ID = '01890000-0000-7000-8000-000000000000';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk', seats: 20_000 }));
});
afterAll(() => departures.stop());

const people = (count: number) => Promise.all(Array.from({ length: count }, () => identity.aPerson(owner)));
const named = (some: readonly Principal[]) => some.map(({ userId }) => ({ userId }));
const start = (body: Partial<BulkRequest> & Pick<BulkRequest, 'users'>, principal = owner) =>
  identity.call(departuresBulk, { principal, body: { transition: 'deactivated', ...body } });
const startFile = (csv: string, transition?: 'deactivated') =>
  identity.call(departuresBulk, { principal: owner, query: { transition }, body: { csv } });
const get = (id: string, query: BulkRowQuery = {}, principal = owner) =>
  identity.call(bulkDeparturesGet, { principal, params: { id }, query });
const until = ({ id }: { id: string }, status: BulkDeparture['status'] = 'completed'): Promise<BulkDeparture> =>
  eventually(async () => {
    const bulk = await get(id);
    if (bulk.status !== status) throw new Error(`it is ${JSON.stringify(bulk.counts)}`);
    return bulk;
  });
const codes = ({ rows }: BulkDeparture) => rows.map((row) => row.code ?? row.status);
const staffIdOf = async ({ userId }: Principal) =>
  (await identity.query(sql<{ staff_id: string }>`select staff_id from users where id = ${userId}`))[0]!.staff_id;

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

/** Terminates the connection of the current transaction. */
const endConnection = () =>
  sql`select pg_terminate_backend(pg_backend_pid())`.execute(identity.get(EntityManager).getKysely());

describe('a bulk departure', () => {
  it('starts a departure for each user', async () => {
    const some = await people(3);
    await departures.peer.give(owner.accountId, some[1]!.userId, 'call', 2);
    const bulk = await until(await start({ users: named(some), reason: 'Site closed' }));
    expect(bulk.counts).toEqual({ total: 3, waiting: 0, accepted: 3, refused: 0, completed: 3, failed: 0 });
    expect(bulk.rows.map((row) => [row.row, row.userId, row.status])).toEqual(
      some.map(({ userId }, index) => [index + 1, userId, 'completed']),
    );
    expect(await departures.get(owner, bulk.rows[1]!.departureId!)).toMatchObject({
      userId: some[1]!.userId,
      requestedBy: owner.userId,
      reason: 'Site closed',
    });
    expect(await departures.peer.owned(some[1]!.userId, 'call')).toBe(0);
    expect(await identity.query(sql`select from bulk_departure where reason is not null`)).toEqual([]);
  });

  it('continues after a refused row, and reports the reason', async () => {
    const [good, gone] = await people(2);
    await departures.deactivate(owner, gone!.userId);
    const stranger = ownerOf(await identity.anAccount());
    const users = named([good!, gone!, good!, stranger, { ...owner, userId: NOBODY_ID }]);
    const bulk = await until(await start({ users }));
    expect(codes(bulk)).toEqual(['completed', 'conflict', 'conflict', 'unknown-user', 'unknown-user']);
    expect(bulk.counts).toMatchObject({ accepted: 1, refused: 4, completed: 1 });
    expect(bulk.rows[1]!.detail).toContain('deactivated');
  });

  it('refuses the last owner and accepts the others', async () => {
    const others = await Promise.all([1, 2].map(() => identity.aPerson(owner, { roles: ['owner'] })));
    const agent = await identity.aPerson(owner);
    const bulk = await until(await start({ users: named([owner, ...others, agent]) }));
    expect(codes(bulk)).toEqual(['completed', 'completed', 'sole-owner', 'completed']);
  });

  it('of an admin refuses owners', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    const other = await identity.aPerson(owner, { roles: ['owner'] });
    const agent = await identity.aPerson(owner);
    const bulk = await until(await start({ users: named([other, agent]) }, admin));
    expect(codes(bulk)).toEqual(['forbidden', 'completed']);
    expect(await outcomeOf(start({ users: named([other]) }, { ...agent, roles: ['owner'] }))).not.toBe('ok');
  });

  it('uses the successors of the request or of a row, who must not be leavers', async () => {
    const [one, two, three, heir, other] = await people(5);
    for (const leaver of [one!, two!]) await departures.peer.give(owner.accountId, leaver.userId, 'call');
    const users = [
      { userId: one!.userId },
      { userId: two!.userId, successors: { default: other!.userId } },
      { userId: three!.userId, successors: { default: one!.userId } },
    ];
    const bulk = await until(await start({ users, successors: { default: heir!.userId } }));
    expect(codes(bulk)).toEqual(['completed', 'completed', 'invalid-successor']);
    expect(await departures.peer.owned(heir!.userId, 'call')).toBe(1);
    expect(await departures.peer.owned(other!.userId, 'call')).toBe(1);
  });

  it('of deletions checks the guards for each row', async () => {
    const [held, numbers, free] = await people(3);
    await identity.query(sql`
      update account set preset = 'calls' where id = ${owner.accountId}`);
    await identity.query(sql`update users set legal_hold_at = now() where id = ${held!.userId}`);
    await departures.peer.give(owner.accountId, numbers!.userId, 'number');
    const users = named([held!, numbers!, free!]);
    const bulk = await until(await start({ transition: 'deleted', users }));
    expect(codes(bulk)).toEqual(['legal-hold', 'numbers-assigned', 'completed']);
  });

  it('can be scheduled', async () => {
    const [one, two, already] = await people(3);
    const effectiveAt = new Date(identity.clock.millis() + 86_400_000).toISOString();
    await departures.deactivate(owner, already!.userId, { effectiveAt });
    const started = await start({ users: named([one!, two!, already!]), effectiveAt });
    await eventually(async () => expect((await get(started.id)).counts.waiting).toBe(0));
    expect(codes(await get(started.id))).toEqual(['scheduled', 'scheduled', 'conflict']);
    identity.clock.advanceDays(1);
    identity.get(ScheduleWorker).wake();
    expect((await until(started)).counts).toMatchObject({ completed: 2, refused: 1 });
  });

  it('is refused as a whole for unknown rules or invalid actions', async () => {
    const users = named(await people(1));
    expect(await outcomeOf(start({ users: [] }))).toBe('validation');
    expect(await outcomeOf(start({ users, overrides: { 'telephony.fax': 'keep' } }))).toBe('unknown-rule');
    expect(await outcomeOf(start({ users, overrides: { 'identity.sessions': 'keep' } }))).toBe('invalid-action');
    const successors = { 'telephony.fax': owner.userId };
    expect(await outcomeOf(start({ users: [{ ...users[0]!, successors }] }))).toBe('unknown-rule');
    expect(await outcomeOf(start({ users, effectiveAt: '2020-01-01T00:00:00Z' }))).toBe('validation');
  });

  it('cannot be read by another account', async () => {
    const { id } = await start({ users: named(await people(1)) });
    expect(await outcomeOf(get(id, {}, ownerOf(await identity.anAccount())))).toBe('not-found');
  });

  it('can be read in pages and by status', async () => {
    const some = await people(5);
    const { id } = await until(await start({ users: named([...some, some[0]!]) }));
    const first = await get(id, { limit: 4 });
    const second = await get(id, { limit: 4, cursor: first.nextCursor! });
    expect([...first.rows, ...second.rows].map((row) => row.row)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(second.nextCursor).toBeNull();
    expect((await get(id, { status: 'refused' })).rows).toMatchObject([{ row: 6, code: 'conflict' }]);
    expect(await outcomeOf(get(id, { cursor: 'x' }))).toBe('invalid-cursor');
  });
});

describe('a file of staff ids', () => {
  it('names leavers and successors', async () => {
    const [leaver, heir, other] = await people(3);
    await departures.peer.give(owner.accountId, leaver!.userId, 'call', 2);
    const [staffId, successor, third] = await Promise.all([leaver!, heir!, other!].map(staffIdOf));
    const csv = `\uFEFFStaff ID,successorStaffId\r\n${staffId},${successor}\r\nnobody,\r\n"${third}",nobody\r\n`;
    const bulk = await until(await startFile(csv, 'deactivated'));
    expect(codes(bulk)).toEqual(['completed', 'unknown-user', 'invalid-successor']);
    expect(bulk.rows.map((row) => row.userId)).toEqual([leaver!.userId, null, other!.userId]);
    expect(await departures.peer.owned(heir!.userId, 'call')).toBe(2);
  });

  it('has a result for each row, however wrong a row is', async () => {
    const [one, two, three] = await people(3);
    const [first, second, third] = await Promise.all([one!, two!, three!].map(staffIdOf));
    const rows = [`${first}`, `${second},,`, `"S\u0000",`, ',', `${third},`];
    const bulk = await until(await startFile(`staffId,successorStaffId\n${rows.join('\n')}\n`, 'deactivated'));
    expect(codes(bulk)).toEqual(['validation', 'validation', 'validation', 'unknown-user', 'completed']);
    expect(bulk.rows.slice(0, 3).map(({ detail }) => detail)).toEqual([
      'The row has 1 field, the heading has 2.',
      'The row has 3 fields, the heading has 2.',
      'The row contains control characters.',
    ]);
    expect(bulk.counts).toMatchObject({ accepted: 1, refused: 4 });
  });

  it('is read without the blanks around what it holds, also those within quotation marks', async () => {
    const some = await people(4);
    const [a, b, c, d] = await Promise.all(some.map(staffIdOf));
    const rows = [`${a},`, `" ${b} ",`, ` \t"\u00a0${c}\u3000" ,x`, `${d}\u2003,`, ' \t '];
    const csv = `\ufeff Staff-ID ,note\r\n${rows.join('\r\n')}\r\n`;
    expect(codes(await until(await startFile(csv, 'deactivated')))).toEqual(Array(4).fill('completed'));
  });

  it.each(['staffId,Staff Id', 'successorStaffId,staffId,STAFF_ID', 'staffId,successorStaffId,Successor staff id'])(
    'is refused when two columns mean the same: %s',
    async (heading) => {
      const [one, two] = await people(2);
      const width = heading.split(',').length;
      const row = [await staffIdOf(one!), await staffIdOf(two!), ''].slice(0, width).join();
      const [first, second] = heading.split(',').slice(-2);
      await expect(startFile(`${heading}\n${row}\n`, 'deactivated')).rejects.toMatchObject({
        code: 'validation',
        details: {
          errors: [{ field: 'file', message: expect.stringMatching(new RegExp(`“${first}” .*“${second}” `)) }],
        },
      });
      expect(await identity.query(sql`select from departure where account_id = ${owner.accountId}`)).toEqual([]);
    },
  );

  it.each([
    ['without the column', 'name\nBob\n', 'deactivated' as const],
    ['that is no CSV', 'staffId\n"x\n', 'deactivated' as const],
    ['with nobody in it', 'staffId\n', 'deactivated' as const],
    ['without a transition', 'staffId\nx\n', undefined],
    ['of more than ten thousand', `staffId\n${'x\n'.repeat(10_001)}`, 'deactivated' as const],
  ])('%s is refused', async (_, csv, transition) => {
    expect(await outcomeOf(startFile(csv, transition))).toBe('validation');
  });
});

describe('a large bulk departure', () => {
  it('is answered immediately, continues after a crash, and decides each row once', async () => {
    const ids = await insertUsers(1_000);
    const { id } = await start({ users: ids.map((userId) => ({ userId })) });
    // Simulates replicas that crash repeatedly until their leases end, while two others work.
    const replica = await TestIdentity.replica(identity);
    try {
      const workers = [identity.get(BulkWorker), replica.app.get(BulkWorker, { strict: false })];
      while ((await get(id, { limit: 1 })).counts.waiting > 0) {
        await identity.query(sql`update bulk_departure set look_after = '-infinity' where id = ${id}`);
        await Promise.all(workers.map((worker) => worker.drain()));
      }
    } finally {
      await replica.close();
    }
    const bulk = await until({ id });
    expect(bulk.counts).toMatchObject({ total: 1_000, accepted: 1_000, completed: 1_000 });
    const counts = await identity.query(sql<{ people: number; departures: number }>`
      select count(distinct user_id)::int as people, count(*)::int as departures from departure
      where account_id = ${owner.accountId}`);
    expect(counts).toEqual([{ people: 1_000, departures: 1_000 }]);
    expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
    const { items } = await identity.call(departuresList, { principal: owner, query: { status: 'running' } });
    expect(items).toEqual([]);
  });

  it('continues after a row that fails for an unknown reason', async () => {
    const ids = await insertUsers(3);
    // A departure with the next lifecycle version makes the row fail with an internal error.
    await identity.query(sql`update users set lifecycle_version = 7 where id = ${ids[1]!}`);
    await identity.query(sql`
      insert into departure (id, account_id, user_id, transition, status, requested_at, effective_at, lifecycle_version, steps,
        active_since, was_manager, policy, seq, total)
      values (gen_random_uuid(), ${owner.accountId}, ${ids[1]!}, 'deactivated', 'superseded', now(), now(), 8, '{}', 1, false,
        '{}', 1, 0)`);
    const bulk = await until(await start({ users: ids.map((userId) => ({ userId })) }));
    expect(codes(bulk)).toEqual(['completed', 'internal', 'completed']);
  });

  it('does not fail a row because of a lost connection', async () => {
    const groups = identity.get(GroupDecisions);
    const { lock } = groups;
    let losses = 2;
    groups.lock = async (...given) => {
      // The next statements of the transaction fail without a SQLSTATE.
      if (losses-- > 0) await endConnection().catch(() => undefined);
      return lock.apply(groups, given);
    };
    try {
      const bulk = await until(await start({ users: named(await people(1)) }));
      expect(codes(bulk)).toEqual(['completed']);
      expect(losses).toBeLessThan(0);
    } finally {
      groups.lock = lock;
    }
  });
});
