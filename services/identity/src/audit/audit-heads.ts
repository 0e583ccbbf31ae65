import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/database';
import { CompactSign, compactVerify, createLocalJWKSet } from 'jose';
import { sql } from 'kysely';
import { EvidenceKeys } from '../signing-key/evidence-keys.js';
import { PublishedKeys } from '../signing-key/published-keys.js';
import { Anchors } from './anchors.js';
import { merkleTree, rootOf, type Head, type Proof } from './merkle.js';

/** Differs from that of tokens and certificates, so that a signed root is not accepted as one. */
const TYPE = 'audit-heads+jws';

/** What is published about the head of one account. */
interface PublishedHead extends Head {
  at: string;
  proof: Proof;
  /** The signed root of the tree, which covers the heads of all accounts that were published with it. */
  root: string;
}

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
    private readonly keys: EvidenceKeys,
    private readonly published: PublishedKeys,
    private readonly anchors: Anchors,
    private readonly clock: Clock,
  ) {}

  /**
   * Publishes the heads that have moved since the last time, `limit` of them at most. Replicas may do so at the same time.
   * @returns their number
   * @throws UnconfirmedRecords
   */
  async publishMoved(limit: number): Promise<number> {
    const { rows: heads } = await sql<{ account_id: string; seq: number; hash: string }>`
      select account_id, seq::float8, hash from audit_head where seq > published_seq order by account_id limit ${limit}`.execute(
      this.em.fork().getKysely(),
    );
    if (heads.length === 0) return 0;
    const published = await this.sign(heads.map(({ account_id: accountId, seq, hash }) => ({ accountId, seq, hash })));
    await this.anchors.append(
      published.map((data) => ({ subject: subjectOf(data.accountId), id: `${data.accountId}.${data.seq}`, data })),
    );
    await sql`
      update audit_head h set published_seq = greatest(h.published_seq, n.seq)
      from unnest(${heads.map((one) => one.account_id)}::uuid[], ${heads.map((one) => one.seq)}::bigint[]) n (account_id, seq)
      where h.account_id = n.account_id`.execute(this.em.fork().getKysely());
    return heads.length;
  }

  /** Has all heads published again that the broker has lost. */
  async publishLost(): Promise<void> {
    if (!(await this.anchors.isMissing(ALL_HEADS))) return;
    await sql`update audit_head set published_seq = 0 where published_seq > 0`.execute(this.em.fork().getKysely());
  }

  /** The published heads of the account, by position. @throws Error when they cannot be read */
  async of(accountId: string): Promise<KnownHead[]> {
    const verify = await this.verifier();
    const known = new Map<string, KnownHead>();
    for await (const data of this.anchors.read(subjectOf(accountId))) {
      const { seq, hash, at } = data as PublishedHead;
      if (!Number.isSafeInteger(seq) || typeof hash !== 'string') continue;
      const key = `${seq} ${hash}`;
      if (known.get(key)?.signed) continue;
      known.set(key, { seq, hash, at, signed: await verify({ ...(data as PublishedHead), accountId }) });
    }
    return [...known.values()].sort((one, other) => one.seq - other.seq);
  }

  private async sign(heads: readonly Head[]): Promise<PublishedHead[]> {
    const { root, proofs } = merkleTree(heads);
    const at = this.clock.now().toISOString();
    const { kid, key } = this.keys.current('heads');
    const signed = await new CompactSign(new TextEncoder().encode(JSON.stringify({ root, at, heads: heads.length })))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: TYPE })
      .sign(key);
    return heads.map((head, index) => ({ ...head, at, proof: proofs[index]!, root: signed }));
  }

  /** Says whether a signature covers a head. Heads that were published together share one. */
  private async verifier(): Promise<(head: PublishedHead) => Promise<boolean>> {
    const keys = createLocalJWKSet({ keys: await this.published.of('heads') });
    const roots = new Map<string, Promise<string | undefined>>();
    const signedRoot = async (jws: string): Promise<string | undefined> => {
      try {
        const { payload, protectedHeader } = await compactVerify(jws, keys, { algorithms: ['EdDSA'] });
        if (protectedHeader.typ !== TYPE) return undefined;
        return (JSON.parse(new TextDecoder().decode(payload)) as { root?: string }).root;
      } catch {
        // What is not signed covers nothing, and the verification reports its heads.
        return undefined;
      }
    };
    return async ({ root: jws, proof, ...head }) => {
      if (!roots.has(jws)) roots.set(jws, signedRoot(jws));
      return (await roots.get(jws)) === rootOf(head, proof);
    };
  }
}

const ALL_HEADS = 'audit.head.>';
const subjectOf = (accountId: string): string => `audit.head.${accountId}`;
