import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  auditList,
  auditVerify,
  departuresCertificate,
  exportChunk,
  exportsCreate,
  exportsDownload,
  exportsGet,
  legalHoldPut,
  type Principal,
  type UserExport,
} from '#libs/contracts';
import { eventually, unzip } from '#libs/test-kit';
import { sql } from 'kysely';
import { TestDepartures } from '../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../testing/identity.js';
import { ExportExpiryWorker } from './export-expiry.worker.js';
import { ExportStore } from './export-store.js';
import { ExportWorker } from './export.worker.js';

const DAY = 86_400_000;

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = await identity.signedIn(ownerOf(await identity.anAccount()));
  leaver = await identity.aPerson(owner);
});
afterAll(() => departures.stop());

const start = (principal = owner, id = leaver.userId) => identity.call(exportsCreate, { principal, params: { id } });
const get = (id: string, principal = owner) => identity.call(exportsGet, { principal, params: { id } });
const download = (id: string, principal = owner) => identity.call(exportsDownload, { principal, params: { id } });

/** Lets time pass, because retries are due some seconds later. */
const until = (id: string, status: UserExport['status']) =>
  eventually(async () => {
    await identity.get(ExportWorker).drain();
    const now = await get(id);
    if (now.status !== status) identity.clock.advance(16_000);
    expect(now.status).toBe(status);
    return now;
  });

async function fileOf(exportId: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let n: number | null = 0; n !== null;) {
    const request: { accountId: string; exportId: string; n: number } = { accountId: owner.accountId, exportId, n };
    const answer: { data: string; next: number | null } = await identity.client.ask(exportChunk, request);
    pieces.push(Buffer.from(answer.data, 'base64'));
    n = answer.next;
  }
  return Buffer.concat(pieces);
}

const linesOf = (text: string | undefined) =>
  (text ?? '')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const exported = async () => {
  const { id } = await start();
  const done = await until(id, 'completed');
  return { id, done, files: unzip(await fileOf(id)) };
};
const trail = async (action: string) =>
  (await identity.call(auditList, { principal: owner, query: { action, subjectId: leaver.userId } })).items;

describe('an export of a user', () => {
  it('has the rows of all services, an index that says what is in it, and the digest of its bytes', async () => {
    await departures.peer.give(owner.accountId, leaver.userId, 'record', 3);
    const { id, done, files } = await exported();
    const { email } = linesOf(files.get('identity/users.ndjson'))[0] as { email: string };
    expect(email).toMatch(/@example\.com$/);
    expect(linesOf(files.get('telephony/thing.ndjson')).map(({ owner: of }) => of)).toEqual(
      Array(3).fill(leaver.userId),
    );
    const rows = [...files].flatMap(([name, text]) => (name.endsWith('.ndjson') ? linesOf(text) : []));
    expect(done).toMatchObject({ rows: rows.length, missing: [], userId: leaver.userId, requestedBy: owner.userId });
    expect(Date.parse(done.expiresAt) - Date.parse(done.requestedAt)).toBe(7 * DAY);
    const index = files.get('index.html')!;
    for (const text of ['telephony/thing.ndjson', 'Records', 'identity/session', 'password_hash'])
      expect(index).toContain(text);
    expect(index).toMatch(/telephony\/thing\.ndjson<\/a>[^]*<summary>Without rows: \d+<\/summary>/);
    const bytes = await fileOf(id);
    expect(done).toMatchObject({ sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length });
  });

  it('has no secrets, and none of another user’s personal data', async () => {
    const colleague = await identity.signedIn(
      await identity.aPerson(owner, { name: 'Colleague Whose Name Is Private' }),
    );
    await identity.call(legalHoldPut, {
      principal: owner,
      params: { id: colleague.userId },
      body: { reason: 'Private reason' },
    });
    leaver = await identity.signedIn(leaver);
    const { files } = await exported();
    const everything = [...files.values()].join('\n');
    const secrets = await identity.query<{ secret: string }>(sql`
      select password_hash as secret from users where id = ${leaver.userId}
      union all select encode(refresh_hash, 'hex') from session where user_id = ${leaver.userId}`);
    expect(secrets.length).toBeGreaterThan(1);
    for (const { secret } of secrets) expect(everything).not.toContain(secret);
    expect(everything).not.toContain('Private reason');
    expect(everything).not.toContain('Colleague Whose Name');
  });

  it('goes on after a crash where it was, before or after a page was recorded', async () => {
    await departures.peer.give(owner.accountId, leaver.userId, 'record', 1_800);
    const store = identity.get(ExportStore);
    const { record, rescheduleAt } = store;
    let steps = 0;
    store.record = async (...given) => {
      await record.apply(store, given);
      if (++steps === 3) throw new Error('crashed before the commit');
    };
    store.rescheduleAt = async (...given) => {
      if (steps === 5) {
        steps++;
        throw new Error('crashed after the commit');
      }
      return rescheduleAt.apply(store, given);
    };
    try {
      const { done, files } = await exported();
      expect(steps).toBeGreaterThan(6);
      const ids = linesOf(files.get('telephony/thing.ndjson')).map((row) => row.id);
      expect([ids.length, new Set(ids).size]).toEqual([1_800, 1_800]);
      expect(done.missing).toEqual([]);
    } finally {
      Object.assign(store, { record, rescheduleAt });
    }
  });

  it('is encrypted in the database with a key of its own, and both are deleted when it expires', async () => {
    const { id, files } = await exported();
    const name = linesOf(files.get('identity/users.ndjson'))[0]!.name as string;
    const chunks = () =>
      identity.query<{ data: Buffer; n: number }>(sql`select n, data from user_export_chunk where export_id = ${id}`);
    const stored = await chunks();
    expect(stored.length).toBeGreaterThan(0);
    for (const { data } of stored) {
      expect(data.includes('users.ndjson')).toBe(false);
      expect(data.includes(name)).toBe(false);
    }
    identity.clock.advanceDays(7);
    owner = await identity.signedIn(owner);
    expect(await get(id)).toMatchObject({ status: 'expired' });
    expect(await outcomeOf(download(id))).toBe('conflict');
    await identity.get(ExportExpiryWorker).drain();
    expect(await chunks()).toEqual([]);
    expect(await identity.query(sql`select sealed_key from user_export where id = ${id}`)).toEqual([
      { sealed_key: null },
    ]);
    expect(await get(id)).toMatchObject({ status: 'expired', sha256: expect.any(String) });
    await expect(fileOf(id)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('names a service that does not answer', async () => {
    await departures.peer.pause();
    try {
      const { done, files } = await exported();
      expect(done.missing).toMatchObject([{ service: 'telephony' }]);
      expect(files.get('index.html')).toMatch(/Not included[^]*telephony/);
      expect(files.has('identity/users.ndjson')).toBe(true);
    } finally {
      await departures.peer.start();
    }
  });

  it('is for managers who may decide about the user, with a recent proof of identity', async () => {
    const admin = await identity.signedIn(await identity.aPerson(owner, { roles: ['admin'] }));
    const agent = await identity.signedIn(await identity.aPerson(owner));
    const stranger = await identity.signedIn(ownerOf(await identity.anAccount()));
    const outcomes = (id: string) => Promise.all([admin, agent, stranger].map((one) => outcomeOf(start(one, id))));
    expect(await outcomes(owner.userId)).toEqual(['forbidden', 'forbidden', 'not-found']);
    const { id } = await start(admin);
    await until(id, 'completed');
    expect(await outcomeOf(get(id, agent))).toBe('forbidden');
    expect(await outcomeOf(download(id, stranger))).toBe('not-found');
    identity.clock.advance(11 * 60_000);
    expect(await outcomeOf(start())).toBe('step-up-required');
    expect(await outcomeOf(download(id))).toBe('step-up-required');
    const { sessionId: _session, ...withToken } = owner;
    expect(await outcomeOf(download(id, withToken))).toBe('ok');
  });

  it('is refused while another one is running, and for a deleted user', async () => {
    await departures.peer.pause();
    const { id } = await start();
    expect(await outcomeOf(start())).toBe('conflict');
    await departures.peer.start();
    await until(id, 'completed');
    await departures.deactivate(owner, leaver.userId);
    await departures.delete(owner, leaver.userId);
    expect(await outcomeOf(start())).toBe('conflict');
  });

  it('fails when the user is deleted meanwhile', async () => {
    await departures.peer.pause();
    const { id } = await start();
    await departures.deactivate(owner, leaver.userId);
    await departures.delete(owner, leaver.userId);
    expect(await until(id, 'failed')).toMatchObject({ error: 'user-deleted' });
    expect(await identity.query(sql`select n from user_export_chunk where export_id = ${id}`)).toEqual([]);
    await departures.peer.start();
  });

  it('is in the audit trail, and its digest is there and in the certificate after the deletion', async () => {
    const { id, done } = await exported();
    await download(id);
    await download(id);
    await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    const deletion = await departures.delete(owner, leaver.userId);
    await departures.until(owner, deletion, 'completed');
    const detail = { exportId: id, sha256: done.sha256, size: done.size };
    expect(await trail('user.export-requested')).toMatchObject([
      { actor: { id: owner.userId }, detail: { exportId: id } },
    ]);
    expect(await trail('user.exported')).toMatchObject([{ system: 'system (export)', detail }]);
    expect(await trail('user.export-downloaded')).toHaveLength(2);
    expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
    const certificate = await identity.call(departuresCertificate, { principal: owner, params: { id: deletion.id } });
    expect(certificate.payload.copies).toEqual([{ sha256: done.sha256, at: done.completedAt }]);
    // The file stays until it expires.
    expect(unzip(await fileOf(id)).has('index.html')).toBe(true);
  });
});
