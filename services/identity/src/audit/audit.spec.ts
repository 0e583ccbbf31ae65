import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { AUDIT_HEADS, StreamReader } from '#libs/broker';
import { withClient } from '#libs/local-servers';
import { eventually } from '#libs/test-kit';
import { ownerOf, TestIdentity } from '../testing/identity.js';
import { AuditHeadsWorker } from './heads/audit-heads.worker.js';
import { Audit } from './audit.js';
import { entryHash } from './chain.js';

let identity: TestIdentity;
let owner: Principal;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leaver-anchors-'));
  identity = await TestIdentity.start({ settings: { AUDIT_ANCHOR_FILE: join(folder, 'anchors.jsonl') } });
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(async () => {
  await identity.stop();
  await rm(folder, { recursive: true });
});

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
    expect(await verify()).toEqual({ valid: false, entries: firstBroken - 1, firstBroken, reason: 'entry' });
  });
});

describe('published heads', () => {
  const publish = () => identity.get(AuditHeadsWorker).drain();
  const head = (seq: number, heads: number) => ({ heads, seq, at: expect.any(String) });

  interface Row {
    seq: string;
    at: Date;
    action: string;
    actor_id: string | null;
    system: string | null;
    subject_id: string | null;
    detail_digest: string | null;
    prev_hash: string;
  }

  /** Renames the actions from this entry on, and computes all later hashes and the head anew. */
  const rewrite = (from: number, { keep = Infinity } = {}) =>
    withClient(identity.database.adminUrl, async (client) => {
      const { accountId } = owner;
      await client.query('set session_replication_role = replica');
      await client.query('delete from audit_entry where account_id = $1 and seq > $2', [
        accountId,
        Math.min(keep, 1e9),
      ]);
      const { rows } = await client.query<Row>('select * from audit_entry where account_id = $1 order by seq', [
        accountId,
      ]);
      let hash = rows[0]!.prev_hash;
      for (const row of rows) {
        const seq = Number(row.seq);
        const action = seq >= from ? 'user.forged' : row.action;
        const [actorId, subjectId] = [row.actor_id, row.subject_id];
        const link = { ...row, accountId, seq, at: row.at.toISOString(), action, actorId, subjectId };
        const next = entryHash(hash, { ...link, detailDigest: row.detail_digest });
        const change =
          'update audit_entry set action = $1, prev_hash = $2, hash = $3 where account_id = $4 and seq = $5';
        await client.query(change, [action, hash, next, accountId, seq]);
        hash = next;
      }
      await client.query('update audit_head set seq = $1, hash = $2 where account_id = $3', [
        rows.length,
        hash,
        accountId,
      ]);
    });

  it('confirm the chain up to the newest one', async () => {
    await twoMore();
    await publish();
    expect(await verify()).toEqual({ valid: true, entries: 4, published: head(4, 1) });
    await twoMore();
    expect(await verify()).toEqual({ valid: true, entries: 6, published: head(4, 1) });
    await publish();
    await publish();
    expect(await verify()).toEqual({ valid: true, entries: 6, published: head(6, 2) });
  });

  it('find out a chain that was rewritten with correct hashes, and from where', async () => {
    await twoMore();
    await publish();
    await twoMore();
    await publish();
    await rewrite(6);
    const found = { valid: false, entries: 4, firstBroken: 5, reason: 'published-head', published: head(6, 2) };
    expect(await verify()).toEqual(found);
    await rewrite(1);
    expect(await verify()).toEqual({ ...found, entries: 0, firstBroken: 1 });
  });

  it('find out a chain whose newest entries were removed', async () => {
    await twoMore();
    await publish();
    await rewrite(9, { keep: 3 });
    expect(await verify()).toMatchObject({ valid: false, firstBroken: 4, reason: 'shorter-than-published' });
  });

  it('do not need the broker if there is a file as well, and a head without a valid signature is reported', async () => {
    await twoMore();
    await publish();
    await rewrite(3);
    await identity.broker.restartEmpty();
    expect(await eventually(verify)).toMatchObject({ valid: false, firstBroken: 1, reason: 'published-head' });

    owner = ownerOf(await identity.anAccount());
    await publish();
    const file = join(folder, 'anchors.jsonl');
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const last = lines.find((line) => line.includes(owner.accountId))!;
    await appendFile(file, `not JSON\n${last.replace(/"seq":\d+/, '"seq":1')}\n`);
    expect(await verify()).toMatchObject({ valid: false, reason: 'published-head-not-signed' });
  });

  it('are published again when the broker has lost them', async () => {
    await publish();
    await identity.broker.restartEmpty();
    await publish();
    const subjects = [];
    for await (const { subject } of identity.get(StreamReader).read(AUDIT_HEADS, 'audit.head.>'))
      subjects.push(subject);
    expect(subjects).toContain(`audit.head.${owner.accountId}`);
  });
});
