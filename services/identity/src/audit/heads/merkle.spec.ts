import { expect, it } from '@jest/globals';
import { merkleTree, rootOf } from './merkle.js';

it.each([1, 2, 3, 7, 8, 33])(
  'each of %s heads has a proof that leads to the same root, and to another one if it is changed',
  (count) => {
    const heads = Array.from({ length: count }, (_, seq) => ({ accountId: 'a', seq, hash: `${seq}` }));
    const { root, proofs } = merkleTree(heads);
    expect(heads.map((one, index) => rootOf(one, proofs[index]!))).toEqual(heads.map(() => root));
    expect(heads.map((one, index) => rootOf({ ...one, hash: 'other' }, proofs[index]!))).not.toContain(root);
  },
);
