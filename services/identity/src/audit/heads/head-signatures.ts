import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/database';
import { CompactSign, compactVerify, createLocalJWKSet } from 'jose';
import { EvidenceKeys } from '../../signing-key/evidence-keys.js';
import { PublishedKeys } from '../../signing-key/published-keys.js';
import { merkleTree, rootOf, type Head, type Proof } from './merkle.js';

/** Differs from that of tokens and certificates, so that a signed root is not accepted as one. */
const TYPE = 'audit-heads+jws';

/** What is published about the head of one account. */
export interface PublishedHead extends Head {
  at: string;
  proof: Proof;
  /** The signed root of the tree, which covers the heads of all accounts that were published with it. */
  root: string;
}

/** What a signature says about a head that it covers. */
export interface SignedHead {
  at: string;
  /** Whether the key had been stolen by then, so that a thief can have signed it. */
  withdrawn: boolean;
}

interface SignedRoot extends SignedHead {
  root: string;
}

/** Signs the heads of the chains, and verifies the signatures. */
@Injectable()
export class HeadSignatures {
  constructor(
    private readonly keys: EvidenceKeys,
    private readonly published: PublishedKeys,
    private readonly clock: Clock,
  ) {}

  async sign(heads: readonly Head[]): Promise<PublishedHead[]> {
    const { root, proofs } = merkleTree(heads);
    const at = this.clock.now().toISOString();
    const { kid, key } = this.keys.current('heads');
    const signed = await new CompactSign(new TextEncoder().encode(JSON.stringify({ root, at, heads: heads.length })))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: TYPE })
      .sign(key);
    return heads.map((head, index) => ({ ...head, at, proof: proofs[index]!, root: signed }));
  }

  /** Returns a function that verifies the signature of a head. Heads that were published together share one. */
  async verifier(): Promise<(head: PublishedHead) => Promise<SignedHead | undefined>> {
    const keys = await this.published.of('heads');
    const keySet = createLocalJWKSet({ keys });
    const roots = new Map<string, Promise<SignedRoot | undefined>>();
    const signedRoot = async (jws: string): Promise<SignedRoot | undefined> => {
      try {
        const { payload, protectedHeader } = await compactVerify(jws, keySet, { algorithms: ['EdDSA'] });
        if (protectedHeader.typ !== TYPE) return undefined;
        const { root, at } = JSON.parse(new TextDecoder().decode(payload)) as SignedRoot;
        const revoked = keys.find(({ kid }) => kid === protectedHeader.kid)?.revoked;
        return { root, at, withdrawn: revoked !== undefined && !(Date.parse(at) < revoked.revoked_at * 1_000) };
      } catch {
        // What is not signed covers nothing, and the verification reports its heads.
        return undefined;
      }
    };
    return async ({ root: jws, proof, ...head }) => {
      if (!roots.has(jws)) roots.set(jws, signedRoot(jws));
      const signed = await roots.get(jws);
      return signed?.root === rootOf(head, proof) ? signed : undefined;
    };
  }
}
