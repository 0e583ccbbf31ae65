import { sha256 } from '../../common/secrets.js';

/** The head of an account's chain: the hash of the entry at this position. */
export interface Head {
  accountId: string;
  seq: number;
  hash: string;
}

/** From leaf to root: the neighbour's hash, and whether it stands left or right. */
export type Proof = readonly (readonly [side: 'left' | 'right', hash: string])[];

// The prefixes keep a leaf from being taken for a node.
const leafOf = ({ accountId, seq, hash }: Head): string => hex(`leaf:${JSON.stringify([accountId, seq, hash])}`);
const nodeOf = (left: string, right: string): string => hex(`node:${left}:${right}`);
const hex = (text: string): string => sha256(text).toString('hex');

/** A Merkle tree over heads: one signature of the root covers all of them. */
export function merkleTree(heads: readonly Head[]): { root: string; proofs: Proof[] } {
  let level = heads.map(leafOf);
  const proofs: [side: 'left' | 'right', hash: string][][] = heads.map(() => []);
  for (let width = 1; level.length > 1; width *= 2) {
    for (const [at, proof] of proofs.entries()) {
      const index = Math.floor(at / width);
      const sibling = level[index ^ 1];
      if (sibling !== undefined) proof.push([index % 2 ? 'left' : 'right', sibling]);
    }
    // A node without a neighbour moves up as it is.
    level = level.flatMap((left, index) =>
      index % 2 ? [] : [index + 1 < level.length ? nodeOf(left, level[index + 1]!) : left],
    );
  }
  return { root: level[0]!, proofs };
}

/** The root that the proof leads to. */
export const rootOf = (head: Head, proof: Proof): string =>
  proof.reduce((hash, [side, other]) => (side === 'left' ? nodeOf(other, hash) : nodeOf(hash, other)), leafOf(head));
