import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AuditEntry, AuditQuery, AuditVerification, Page } from '#libs/contracts';
import { Directory, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../common/moments.js';
import { detailDigest, entryHash, GENESIS, type ChainLink } from './chain.js';

interface EntryRow {
  id: string;
  account_id: string;
  seq: number;
  at: string;
  action: string;
  actor_id: string | null;
  system: string | null;
  subject_id: string | null;
  detail: string | null;
  salt: string | null;
  detail_digest: string | null;
  scrubbed: boolean;
  prev_hash: string;
  hash: string;
}

const BATCH_SIZE = 1_000;

/** Reads the audit trail. */
@Injectable()
export class AuditTrail {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
  ) {}

  async page(accountId: string, query: AuditQuery): Promise<Page<AuditEntry>> {
    const { limit, before } = pageWindow(query);
    const { rows } = await sql<EntryRow>`
      select e.*, e.seq::float8 as seq from audit_entry e
      where e.account_id = ${accountId} and (${before}::uuid is null or e.id < ${before}::uuid)
        and (${query.actorId ?? null}::uuid is null or e.actor_id = ${query.actorId ?? null}::uuid)
        and (${query.subjectId ?? null}::uuid is null or e.subject_id = ${query.subjectId ?? null}::uuid)
        and (${query.action ?? null}::text is null or e.action = ${query.action ?? null}::text)
        and (${query.from ?? null}::timestamptz is null or e.at >= ${query.from ?? null}::timestamptz)
        and (${query.to ?? null}::timestamptz is null or e.at < ${query.to ?? null}::timestamptz)
      order by e.id desc limit ${limit + 1}`.execute(this.em.getKysely());
    const people = await this.directory.views(rows.flatMap((row) => [row.actor_id, row.subject_id]));
    return toPage(
      rows.map((row) => ({
        id: row.id,
        seq: row.seq,
        at: isoOf(row.at),
        action: row.action,
        actor: people.get(row.actor_id ?? '') ?? null,
        ...systemOf(row.system),
        subject: people.get(row.subject_id ?? '') ?? null,
        detail: row.detail === null ? null : (JSON.parse(row.detail) as Record<string, unknown>),
        scrubbed: row.scrubbed,
        hash: row.hash,
      })),
      query,
    );
  }

  /** Verifies the chain from the first entry to the head at the time of the call. */
  async verify(accountId: string): Promise<AuditVerification> {
    const db = this.em.getKysely();
    const head = await sql<{ seq: number; hash: string }>`
      select seq::float8, hash from audit_head where account_id = ${accountId}`.execute(db);
    const { seq: end, hash: endHash } = head.rows[0] ?? { seq: 0, hash: GENESIS };
    let [seq, hash] = [0, GENESIS];
    while (seq < end) {
      const { rows } = await sql<EntryRow>`
        select e.*, e.seq::float8 as seq from audit_entry e
        where e.account_id = ${accountId} and e.seq > ${seq} and e.seq <= ${end} order by e.seq limit ${BATCH_SIZE}`.execute(
        db,
      );
      for (const row of rows) {
        if (row.seq !== seq + 1 || !isValid(row, hash)) return { valid: false, entries: seq, firstBroken: seq + 1 };
        [seq, hash] = [row.seq, row.hash];
      }
      // The head refers to an entry that does not exist.
      if (rows.length === 0) return { valid: false, entries: seq, firstBroken: seq + 1 };
    }
    return hash === endHash ? { valid: true, entries: seq } : { valid: false, entries: seq, firstBroken: seq };
  }
}

function isValid(row: EntryRow, prevHash: string): boolean {
  return row.prev_hash === prevHash && row.hash === entryHash(prevHash, linkOf(row)) && isDetailValid(row);
}

function isDetailValid({ detail, salt, detail_digest: digest, scrubbed }: EntryRow): boolean {
  if (detail === null) return digest === null || scrubbed;
  return salt !== null && detailDigest(salt, detail) === digest;
}

/** An identity provider is stored with the token that it used, `scim:<id>`, so that the chain covers the token. */
function systemOf(stored: string | null): Pick<AuditEntry, 'system' | 'tokenId'> {
  if (stored === null) return { system: null, tokenId: null };
  const [part, tokenId = null] = stored.split(':');
  return { system: `system (${part})`, tokenId };
}

const linkOf = (row: EntryRow): ChainLink => ({
  accountId: row.account_id,
  seq: row.seq,
  at: isoOf(row.at),
  action: row.action,
  actorId: row.actor_id,
  system: row.system,
  subjectId: row.subject_id,
  detailDigest: row.detail_digest,
});
