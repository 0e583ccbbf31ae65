import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Anchors } from './anchors.js';
import { CertificateLog } from '../certificate-log.js';
import { HeadSignatures, type PublishedHead } from './head-signatures.js';
import type { Head } from './merkle.js';

/** A published head, as far as it can be trusted. */
export interface KnownHead {
  seq: number;
  hash: string;
  at: string;
  /** Whether the signature covers it. */
  signed: boolean;
}

/** Publishes the signed heads of the chains outside of the database, and reads them. */
@Injectable()
export class AuditHeads {
  constructor(
    private readonly em: EntityManager,
    private readonly signatures: HeadSignatures,
    private readonly certificates: CertificateLog,
    private readonly anchors: Anchors,
  ) {}

  /**
   * Publishes the heads that have moved since the last time, and the new entries about certificates, `limit` of each at
   * most. Such an entry is published like a head of its own, so that it can be proved without the entries around it.
   * Replicas may do so at the same time.
   * @returns whether there can be more
   * @throws UnconfirmedRecords
   */
  async publishNew(limit: number): Promise<boolean> {
    const moved = await this.moved(limit);
    const certificates = await this.certificates.unpublished(limit);
    const heads = [...new Map([...moved, ...certificates].map((head) => [idOf(head), head])).values()];
    if (heads.length === 0) return false;
    const published = await this.signatures.sign(heads);
    await this.anchors.append(published.map((data) => ({ subject: subjectOf(data.accountId), id: idOf(data), data })));
    const ofCertificates = new Set(certificates.map(idOf));
    await this.certificates.recordPublished(published.filter((head) => ofCertificates.has(idOf(head))));
    await sql`
      update audit_head h set published_seq = greatest(h.published_seq, n.seq)
      from unnest(${moved.map((one) => one.accountId)}::uuid[], ${moved.map((one) => one.seq)}::bigint[]) n (account_id, seq)
      where h.account_id = n.account_id`.execute(this.em.fork().getKysely());
    return moved.length === limit || certificates.length === limit;
  }

  /** Has all heads published again that the broker has lost. */
  async publishLost(): Promise<void> {
    if (!(await this.anchors.isMissing(ALL_HEADS))) return;
    await sql`update audit_head set published_seq = 0 where published_seq > 0`.execute(this.em.fork().getKysely());
  }

  /**
   * The published heads of the account, by position. Those of a withdrawn key are among them: the chain has to match them,
   * too, and a forged one can only raise a false alarm.
   * @throws Error when they cannot be read
   */
  async of(accountId: string): Promise<KnownHead[]> {
    const verify = await this.signatures.verifier();
    const known = new Map<string, KnownHead>();
    for await (const data of this.anchors.read(subjectOf(accountId))) {
      const { seq, hash, at } = data as PublishedHead;
      if (!Number.isSafeInteger(seq) || typeof hash !== 'string') continue;
      const key = `${seq} ${hash}`;
      if (known.get(key)?.signed) continue;
      const signed = (await verify({ ...(data as PublishedHead), accountId })) !== undefined;
      known.set(key, { seq, hash, at, signed });
    }
    return [...known.values()].sort((one, other) => one.seq - other.seq);
  }

  private async moved(limit: number): Promise<Head[]> {
    const { rows } = await sql<{ account_id: string; seq: number; hash: string }>`
      select account_id, seq::float8, hash from audit_head where seq > published_seq order by account_id limit ${limit}`.execute(
      this.em.fork().getKysely(),
    );
    return rows.map(({ account_id: accountId, seq, hash }) => ({ accountId, seq, hash }));
  }
}

const ALL_HEADS = 'audit.head.>';
const subjectOf = (accountId: string): string => `audit.head.${accountId}`;
const idOf = ({ accountId, seq }: Head): string => `${accountId}.${seq}`;
