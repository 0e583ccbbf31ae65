import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  accountUpdate,
  auditList,
  auditVerify,
  usersDeactivate,
  usersDelete,
  usersUpdate,
  type AuditQuery,
  type Principal,
} from '#libs/contracts';
import { withClient } from '#libs/local-servers';
import { ownerOf, TestIdentity } from '../testing/identity.js';
import { Audit } from './audit.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

const list = async (query: AuditQuery = {}) => (await identity.call(auditList, { principal: owner, query })).items;
const verify = () => identity.call(auditVerify, { principal: owner });
/** Every check of the database can be switched off by its superuser. */
const asSuperuser = (statements: string) =>
  withClient(identity.database.adminUrl, async (client) => void (await client.query(statements)));
const scrub = (id: string) =>
  identity.query(sql`update audit_entry set detail = null, salt = null, scrubbed = true where subject_id = ${id}`);
/** Adds entries 3 and 4; creating the account wrote 1 and 2. */
const twoMore = async () => {
  const { id } = await identity.aUser(owner, { name: 'Traceable Person' });
  await identity.call(usersUpdate, { principal: owner, params: { id }, body: { name: 'Renamed Person' } });
  return id;
};

describe('the audit trail', () => {
  it('lists actor, action and subject, newest first', async () => {
    const id = await twoMore();
    const [newest, before] = await list();
    expect(newest).toMatchObject({
      seq: 4,
      action: 'user.updated',
      actor: { id: owner.userId, status: 'active' },
      system: null,
      subject: { id, name: 'Renamed Person' },
      detail: { name: { from: 'Traceable Person', to: 'Renamed Person' } },
      scrubbed: false,
    });
    expect(before).toMatchObject({ seq: 3, action: 'user.created' });
  });

  it('shows actions of the system without an actor', async () => {
    const entry = {
      accountId: owner.accountId,
      action: 'departure.completed',
      system: 'departure',
      subjectId: owner.userId,
    };
    await identity.transaction(() => identity.get(Audit).append([entry]));
    expect((await list())[0]).toMatchObject({ actor: null, system: 'system (departure)', detail: null });
  });

  it('can be filtered by actor, subject, action and time', async () => {
    const id = await twoMore();
    const at = (seconds: number) => new Date(identity.clock.millis() + seconds * 1_000).toISOString();
    expect(await list({ subjectId: id })).toHaveLength(2);
    expect(await list({ subjectId: id, action: 'user.updated' })).toHaveLength(1);
    expect(await list({ actorId: owner.userId })).toHaveLength(4);
    expect(await list({ actorId: id })).toHaveLength(0);
    expect(await list({ from: at(60) })).toHaveLength(0);
    expect(await list({ from: at(-60), to: at(60) })).toHaveLength(4);
    expect(await list({ to: at(-60) })).toHaveLength(0);
  });

  it('does not include other accounts', async () => {
    const elsewhere = ownerOf(await identity.anAccount());
    expect((await list()).map((entry) => entry.actor!.id)).not.toContain(elsewhere.userId);
  });
});

describe('the table of entries', () => {
  it.each([
    "update audit_entry set action = 'user.deleted' where seq = 1",
    "update audit_entry set detail = '{}' where seq = 1",
    'update audit_entry set scrubbed = true where seq = 1',
    'update audit_entry set seq = 9, detail = null, salt = null, scrubbed = true where seq = 1',
    'delete from audit_entry',
    'truncate audit_entry',
    'delete from audit_head',
    'alter table audit_entry disable trigger all',
    'set session_replication_role = replica',
  ])('refuses the service’s role to %s', async (statement) => {
    const attempt = withClient(identity.database.url, (client) => client.query(statement));
    await expect(attempt).rejects.toMatchObject({ code: '42501' });
  });

  it('refuses changes also when the role has all rights, as after a restore that grants them', async () => {
    await asSuperuser('grant all on audit_entry to identity');
    try {
      for (const statement of [
        "update audit_entry set action = 'x'",
        'delete from audit_entry',
        'truncate audit_entry',
      ])
        await expect(withClient(identity.database.url, (client) => client.query(statement))).rejects.toThrow(
          'only appended',
        );
    } finally {
      await asSuperuser('select restrict_grants()');
    }
  });

  it('has an entry about erased details, which stays', async () => {
    const id = await twoMore();
    await identity.transaction(() =>
      identity
        .get(Audit)
        .append([{ accountId: owner.accountId, action: 'user.updated', actorId: id, detail: { a: 1 } }]),
    );
    await identity.call(usersDeactivate, { principal: owner, params: { id }, body: {} });
    await identity.call(usersDelete, { principal: owner, params: { id }, body: {} });
    const [scrubbed] = await list({ action: 'audit.scrubbed' });
    const erased = (await list()).filter((entry) => entry.scrubbed);
    expect(scrubbed).toMatchObject({
      actor: { id: owner.userId },
      subject: { id },
      detail: { entries: erased.length },
      scrubbed: false,
    });
    expect(erased.length).toBeGreaterThanOrEqual(3);
    expect((await verify()).valid).toBe(true);
  });
});

describe('the hash chain', () => {
  it('is valid after 20 concurrent writes', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        identity.call(accountUpdate, { principal: owner, body: { retentionDays: n + 1 } }),
      ),
    );
    expect(await verify()).toEqual({ valid: true, entries: 22 });
  });

  it('can be extended by entries of several accounts in one call', async () => {
    const other = ownerOf(await identity.anAccount());
    const entries = [owner, other, owner, other].map(({ accountId }) => ({ accountId, action: 'test.done' }));
    await identity.transaction(() => identity.get(Audit).append(entries));
    expect(await verify()).toEqual({ valid: true, entries: 4 });
    expect(await identity.call(auditVerify, { principal: other })).toEqual({ valid: true, entries: 4 });
  });

  it('is still valid after a user’s details have been erased, and none of them are left', async () => {
    const id = await twoMore();
    await scrub(id);
    expect(await verify()).toEqual({ valid: true, entries: 4 });
    expect(await list({ subjectId: id })).toMatchObject([
      { action: 'user.updated', detail: null, scrubbed: true },
      { action: 'user.created', detail: null, scrubbed: true },
    ]);
    const rows = await identity.query(
      sql<{ row: string }>`select e::text as row from audit_entry e where account_id = ${owner.accountId}`,
    );
    expect(rows.map((one) => one.row).join()).not.toMatch(/Person/);
  });

  it.each([
    ['an action', "update audit_entry set action = 'user.deleted' where seq = 3", 3],
    ['an actor', 'update audit_entry set actor_id = null where seq = 3', 3],
    ['a time', "update audit_entry set at = at - interval '1 hour' where seq = 3", 3],
    ['a detail', "update audit_entry set detail = '{}' where seq = 3", 3],
    ['a detail erased without the flag', 'update audit_entry set detail = null where seq = 3', 3],
    ['a deleted entry', 'delete from audit_entry where seq = 3', 3],
    ['the newest entry deleted', 'delete from audit_entry where seq = 4', 4],
  ])('is invalid after tampering with %s', async (_, tampering, firstBroken) => {
    await twoMore();
    await asSuperuser(`set session_replication_role = replica; ${tampering} and account_id = '${owner.accountId}'`);
    expect(await verify()).toEqual({ valid: false, entries: firstBroken - 1, firstBroken });
  });
});
