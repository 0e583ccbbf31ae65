import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { CertificateLogProof } from '#libs/contracts';
import { sql } from 'kysely';
import { isoOf } from '../common/moments.js';
import { CERTIFICATE_ISSUED } from './audit-entry.entity.js';
import type { EntryRow } from './audit-trail.js';
import { Audit, type NewEntry } from './audit.js';
import { isValidEntry } from './entry-hashes.js';
import { HeadSignatures, type PublishedHead, type SignedHead } from './heads/head-signatures.js';
import type { Head } from './heads/merkle.js';

export interface IssuedCertificate extends Pick<NewEntry, 'accountId' | 'actorId' | 'system' | 'subjectId'> {
  /** Of the JWS, in hexadecimal. */
  sha256: string;
  kid: string;
  departureId: string;
  issuedAt: string;
}

export interface LogPosition {
  /** Of its entry in the account's audit trail. */
  position: number;
  loggedAt: string;
}

export interface LoggedCertificate extends LogPosition {
  /** What a reader outside needs to verify the entry. Absent until the entry is published. */
  proof?: CertificateLogProof;
  /** The signature that covers the proof. Absent without a proof, and if the signature does not count. */
  signed?: SignedHead;
}

/**
 * Which certificates were issued. Each has an entry in the account's audit trail, with its digest and the id of the key, so the
 * chain and its published heads cover the log.
 */
@Injectable()
export class CertificateLog {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: Audit,
    private readonly signatures: HeadSignatures,
  ) {}

  /** In the transaction of the call; call it last, like `Audit.append`. */
  async append(certificate: IssuedCertificate): Promise<LogPosition> {
    const { sha256, kid, departureId, issuedAt, ...who } = certificate;
    const entry = await this.audit.appendOne({
      ...who,
      action: CERTIFICATE_ISSUED,
      detail: { sha256, kid, departureId },
    });
    await sql`
      insert into certificate_log (sha256, account_id, seq, departure_id, issued_at)
      values (${sha256}, ${who.accountId}, ${entry.seq}, ${departureId}, ${issuedAt})`.execute(this.em.getKysely());
    return { position: entry.seq, loggedAt: entry.at };
  }

  /** The newest certificate of the departure that this actor got after a time. */
  async newest(
    { departureId, actorId, system }: Pick<IssuedCertificate, 'departureId' | 'actorId' | 'system'>,
    after: Date,
  ): Promise<(LogPosition & { sha256: string; issuedAt: string }) | undefined> {
    const { rows } = await sql<{ sha256: string; issued_at: string; seq: number; at: string }>`
      select l.sha256, l.issued_at, l.seq::float8, e.at from certificate_log l
      join audit_entry e on e.account_id = l.account_id and e.seq = l.seq
      where l.departure_id = ${departureId} and l.issued_at > ${after}
        and e.actor_id is not distinct from ${actorId ?? null}::uuid and e.system is not distinct from ${system ?? null}
      order by l.issued_at desc limit 1`.execute(this.em.getKysely());
    const [row] = rows;
    return row && { sha256: row.sha256, issuedAt: isoOf(row.issued_at), position: row.seq, loggedAt: isoOf(row.at) };
  }

  /** The entry of the certificate, if there is one and its fields match its hash. */
  async find(sha256: string): Promise<LoggedCertificate | undefined> {
    const { rows } = await sql<EntryRow & { published: PublishedHead | null }>`
      select e.*, e.seq::float8 as seq, l.published from certificate_log l
      join audit_entry e on e.account_id = l.account_id and e.seq = l.seq where l.sha256 = ${sha256}`.execute(
      this.em.getKysely(),
    );
    const [row] = rows;
    if (!row || !isAbout(row, sha256)) return undefined;
    const head = row.published;
    const position = { position: row.seq, loggedAt: isoOf(row.at) };
    if (head?.accountId !== row.account_id || head.seq !== row.seq || head.hash !== row.hash) return position;
    const signed = await (await this.signatures.verifier())(head);
    return signed ? { ...position, proof: proofOf(row, head), signed } : position;
  }

  /** Entries that have not been published, `limit` at most. */
  async unpublished(limit: number): Promise<Head[]> {
    const { rows } = await sql<{ account_id: string; seq: number; hash: string }>`
      select l.account_id, l.seq::float8, e.hash from certificate_log l
      join audit_entry e on e.account_id = l.account_id and e.seq = l.seq
      where l.published is null order by l.account_id, l.seq limit ${limit}`.execute(this.em.fork().getKysely());
    return rows.map(({ account_id: accountId, seq, hash }) => ({ accountId, seq, hash }));
  }

  /** The first publication counts, because its time shows that the certificate existed then. */
  async recordPublished(heads: readonly PublishedHead[]): Promise<void> {
    await sql`
      update certificate_log l set published = n.head
      from (select h, (h ->> 'accountId')::uuid, (h ->> 'seq')::bigint
        from jsonb_array_elements(${JSON.stringify(heads)}::jsonb) h) n (head, account_id, seq)
      where l.account_id = n.account_id and l.seq = n.seq and l.published is null`.execute(this.em.fork().getKysely());
  }
}

function isAbout(row: EntryRow, sha256: string): boolean {
  if (row.action !== CERTIFICATE_ISSUED || row.detail === null || !isValidEntry(row, row.prev_hash)) return false;
  return (JSON.parse(row.detail) as { sha256?: unknown }).sha256 === sha256;
}

const proofOf = (row: EntryRow, { accountId, seq, proof, root }: PublishedHead): CertificateLogProof => ({
  accountId,
  position: seq,
  entry: {
    at: isoOf(row.at),
    action: row.action,
    actorId: row.actor_id,
    system: row.system,
    subjectId: row.subject_id,
    detail: row.detail!,
    salt: row.salt!,
    prevHash: row.prev_hash,
  },
  path: proof.map(([side, hash]) => ({ side, hash })),
  root,
});
