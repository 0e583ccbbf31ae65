import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditLines, auditList, type AuditExportFormat, type AuditFilter, type Principal } from '#libs/contracts';
import { readRecords } from '#libs/csv';
import { ownerOf, TestIdentity } from '../testing/identity.js';
import { Audit } from './audit.js';

const ENTRIES = 1_234;
/** One message of the broker. */
const MAX_BYTES = 1_000_000;

let identity: TestIdentity;
let owner: Principal;
let subjectId: string;
beforeAll(async () => {
  identity = await TestIdentity.start();
  owner = ownerOf(await identity.anAccount());
  ({ id: subjectId } = await identity.aUser(owner, { name: '=HYPERLINK("x")' }));
  const { accountId, userId: actorId } = owner;
  const detail = (n: number) => ({ n, text: n % 100 === 0 ? 'ü'.repeat(100_000) : 'a "quoted", text' });
  const entries = Array.from({ length: ENTRIES }, (_, n) => ({
    ...{ accountId, action: n % 2 === 0 ? 'test.even' : 'test.odd', actorId, subjectId },
    detail: detail(n),
  }));
  await identity.transaction(() => identity.get(Audit).append(entries));
}, 60_000);
afterAll(() => identity.stop());

async function exported(
  format: AuditExportFormat,
  filter: AuditFilter,
  accountId = owner.accountId,
): Promise<string[]> {
  const pages: string[] = [];
  let after: string | null = null;
  do {
    const page: { lines: string; next: string | null } = await identity.client.ask(auditLines, {
      ...{ accountId, format, filter, after },
    });
    pages.push(page.lines);
    after = page.next;
  } while (after !== null);
  return pages;
}

describe('the export of the audit trail', () => {
  it('has every entry once, in answers that the broker takes', async () => {
    const pages = await exported('ndjson', { subjectId });
    expect(pages.length).toBeGreaterThan(5);
    for (const page of pages) expect(Buffer.byteLength(page)).toBeLessThan(MAX_BYTES);
    const lines = pages.join('').trimEnd().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as { seq: number });
    const newest = entries[0]!.seq;
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => newest - at));
    expect(entries).toHaveLength(ENTRIES + 1);
    const { items } = await identity.call(auditList, { principal: owner, query: { limit: 50, subjectId } });
    expect(entries.slice(0, 50)).toEqual(items);
  });

  it('is CSV that a spreadsheet reads and does not run', async () => {
    const text = (await exported('csv', { action: 'test.odd' })).join('');
    const records: string[][] = [];
    for await (const group of readRecords([Buffer.from(text)])) records.push(...group);
    const [heading, ...rows] = records;
    expect(rows).toHaveLength(ENTRIES / 2);
    expect(heading!.length).toBe(rows[0]!.length);
    expect(rows[0]![heading!.indexOf('subject')]).toBe(`'=HYPERLINK("x")`);
    expect(JSON.parse(rows[0]![heading!.indexOf('detail')]!)).toEqual({ n: 1_233, text: 'a "quoted", text' });
  });

  it('has the heading alone if nothing matches, and nothing of another account', async () => {
    expect((await exported('csv', { action: 'test.none' })).join('').split('\r\n')).toHaveLength(2);
    const stranger = ownerOf(await identity.anAccount());
    expect((await exported('ndjson', { subjectId }, stranger.accountId)).join('')).toBe('');
  });
});
