import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type AuditVerification } from '#libs/contracts';
import { Log, safeErrorFields } from '#libs/observability';
import { sql } from 'kysely';
import { AuditHeads, type KnownHead } from './heads/audit-heads.js';
import type { EntryRow } from './audit-trail.js';
import { GENESIS } from './chain.js';
import { isValidEntry } from './entry-hashes.js';

const BATCH_SIZE = 1_000;

/** Verifies an account's chain by itself and against its published heads. */
@Injectable()
export class AuditVerifier {
  constructor(
    private readonly em: EntityManager,
    private readonly heads: AuditHeads,
    private readonly log: Log,
  ) {}

  /**
   * Verifies from the first entry to the head at the time of the call.
   * @throws Problem `service-unavailable` when the published heads cannot be read
   */
  async verify(accountId: string): Promise<AuditVerification> {
    // Before the chain is read, because a head that is published meanwhile could be newer than the chain that was read.
    const published = await this.published(accountId);
    const verification = await this.compare(accountId, published);
    const last = published.at(-1);
    return last
      ? { ...verification, published: { heads: published.length, seq: last.seq, at: last.at } }
      : verification;
  }

  private async published(accountId: string): Promise<KnownHead[]> {
    try {
      return await this.heads.of(accountId);
    } catch (error) {
      this.log.warn(safeErrorFields(error), 'the published heads of an audit trail cannot be read');
      throw new Problem('service-unavailable', {
        service: 'identity',
        detail: 'The published heads of the audit trail cannot be read.',
      });
    }
  }

  private async compare(accountId: string, published: readonly KnownHead[]): Promise<AuditVerification> {
    const db = this.em.getKysely();
    const head = await sql<{ seq: number; hash: string }>`
      select seq::float8, hash from audit_head where account_id = ${accountId}`.execute(db);
    const { seq: end, hash: endHash } = head.rows[0] ?? { seq: 0, hash: GENESIS };
    const unsigned = published.find((one) => !one.signed);
    if (unsigned) return broken('published-head-not-signed', unsigned.seq);
    const expected = Map.groupBy(published, (one) => one.seq);
    let confirmed = 0;
    let [seq, hash] = [0, GENESIS];
    while (seq < end) {
      const { rows } = await sql<EntryRow>`
        select e.*, e.seq::float8 as seq from audit_entry e
        where e.account_id = ${accountId} and e.seq > ${seq} and e.seq <= ${end} order by e.seq limit ${BATCH_SIZE}`.execute(
        db,
      );
      for (const row of rows) {
        if (row.seq !== seq + 1 || !isValidEntry(row, hash)) return broken('entry', seq + 1);
        const heads = expected.get(row.seq) ?? [];
        // Every entry after the last confirmed one may have been replaced.
        if (heads.some((one) => one.hash !== row.hash)) return broken('published-head', confirmed + 1);
        if (heads.length > 0) confirmed = row.seq;
        [seq, hash] = [row.seq, row.hash];
      }
      // The head refers to an entry that does not exist.
      if (rows.length === 0) return broken('entry', seq + 1);
    }
    if (hash !== endHash) return { ...broken('entry', seq), entries: seq };
    if ((published.at(-1)?.seq ?? 0) > seq) return broken('shorter-than-published', seq + 1);
    return { valid: true, entries: seq };
  }
}

const broken = (reason: AuditVerification['reason'], firstBroken: number): AuditVerification => ({
  valid: false,
  entries: firstBroken - 1,
  firstBroken,
  reason,
});
