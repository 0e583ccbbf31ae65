import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import pg from 'pg';
import { sql } from 'kysely';
import { auditVerify, departuresRetry, type Principal } from '#libs/contracts';
import { TaskWorker } from '#libs/lifecycle';
import { eventually } from '#libs/test-kit';
import { lockAccount } from '../common/account-lock.js';
import { affectedBy, countedBy, TestDepartures } from '../testing/departures.js';
import { ownerOf, type TestIdentity } from '../testing/identity.js';
import { UserRows } from '../user/user-rows.js';
import { Decisions } from './decide/decisions.js';
import { DepartureCommands } from './decide/departure-commands.js';
import { ReactivationCommands } from './decide/reactivation-commands.js';
import { Planner } from './plan/planner.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ seats: 1_000 }));
});
afterAll(() => departures.stop());

/** More than the row budget of one leaver. */
const SESSIONS = 2_100;

describe('a user with very many sessions', () => {
  let leaver: Principal;
  beforeEach(async () => {
    leaver = await identity.aPerson(owner);
    await identity.query(sql`
      insert into session (id, user_id, family, refresh_hash, created_at, last_used_at, expires_at, user_agent)
      select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ${leaver.userId}, (${leaver.userId} || n)::bytea,
        '', now(), now(), now() + interval '1 day', case when n = ${SESSIONS} then 'last' end
      from generate_series(1, ${SESSIONS}) n`);
  });
  const clear = () => identity.query(sql`delete from session where user_id = ${leaver.userId}`);

  it('is deactivated immediately, and all sessions are revoked in chunks', async () => {
    const preview = await departures.preview(owner, leaver.userId, 'deactivated');
    const started = await departures.deactivate(owner, leaver.userId);
    expect(started.services[0]).toMatchObject({ service: 'identity', status: 'running' });
    const departure = await departures.until(owner, started, 'completed');
    expect(affectedBy(departure)).toEqual(countedBy(preview));
    expect(affectedBy(departure)).toMatchObject({ 'identity.sessions deactivated': SESSIONS });
    await clear();
  });

  it('has no valid session after a reactivation between two chunks', async () => {
    const commands = identity.get(DepartureCommands);
    const leaving = [owner, leaver.userId, 'deactivated', {}] as const;
    const prepared = await identity.preparation(() => commands.prepare(...leaving));
    await identity.transaction(async () => {
      await commands.decide(...leaving, prepared);
      await identity.get(ReactivationCommands).reactivate(owner, leaver.userId);
    });
    const left = await identity.query(sql`select from session where user_id = ${leaver.userId} and not revoked`);
    expect(left).toHaveLength(0);
    await clear();
  });

  it('can be retried after a chunk has failed for good', async () => {
    await asAdmin(`create function refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end';
      create trigger refuse before update on session for each row when (old.user_agent = 'last') execute function refuse()`);
    const started = await departures.deactivate(owner, leaver.userId);
    await eventually(async () => {
      identity.clock.advance(3_600_001);
      await identity.get(TaskWorker).drain();
      expect((await departures.get(owner, started.id)).status).toBe('failed');
    });
    await asAdmin('drop trigger refuse on session');
    await identity.call(departuresRetry, { principal: owner, params: { id: started.id } });
    const departure = await departures.until(owner, started, 'completed');
    expect(affectedBy(departure)).toMatchObject({ 'identity.sessions deactivated': SESSIONS });
    await clear();
  });
});

it('one decision about many users starts a departure for each', async () => {
  const people = 200;
  await identity.query(sql`
    insert into users (id, account_id, name, email, staff_id, status, seat_taken, created_at, updated_at)
    select gen_random_uuid(), ${owner.accountId}, 'N' || n, n || '@many.example', 'M' || n, 'active', true, now(), now()
    from generate_series(1, ${people}) n`);
  const ids = await identity.query(sql<{ id: string }>`
    select id from users where account_id = ${owner.accountId} and name like 'N%' order by id`);
  await departures.peer.give(owner.accountId, ids[7]!.id, 'call', 3);
  await identity.transaction(async () => {
    const userIds = ids.map((row) => row.id);
    const plan = await identity.get(Planner).plan(owner.accountId, userIds[0]!, 'deactivated');
    await lockAccount(identity.get(EntityManager), owner.accountId);
    await identity.get(UserRows).lock(userIds, 'leave');
    const users = await identity.get(UserRows).byIds(userIds);
    const policy = { preset: plan.policy.preset, version: plan.policy.version, rules: plan.rules };
    await identity.get(Decisions).apply(
      'deactivated',
      users.map((user) => ({ user, policy })),
      owner.userId,
    );
  });
  await eventually(async () => {
    const rows = await identity.query(sql<{ status: string; count: number }>`
      select status, count(*)::int from departure where account_id = ${owner.accountId} group by status`);
    expect(rows).toEqual([{ status: 'completed', count: people }]);
  });
  expect(await departures.peer.owned(ids[7]!.id, 'call')).toBe(0);
  expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
});

async function asAdmin(statements: string): Promise<void> {
  const client = new pg.Client(identity.database.adminUrl);
  await client.connect();
  await client.query(statements).finally(() => client.end());
}
